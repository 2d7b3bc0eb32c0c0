import type { Backend } from "./backend.ts";
import { attempt, type Command, enter, leave, SHELL, WAYS, type Way } from "./namespaces.ts";

/** What network processes reach, and how that is brought about. */
export interface Network {
  /** What they reach, whatever was asked for. Part of what gates see. */
  readonly reach: "none" | "host";
  /** How that falls short of what was asked for. */
  readonly notes: readonly string[];
  /** Puts a command line where it reaches that and no more. */
  wrap(command: Command): Command;
}

/** Whether a network name space can be had outside of `bwrap`; if not, why. */
export type NetworkProbe = { readonly way: Way; readonly loopback: boolean } | { readonly absent: string };

/** A new network name space has a loopback device that is down; `ip` of iproute2 is on almost every machine. */
const LOOPBACK = "ip link set lo up 2>/dev/null";
const SETUP = `${LOOPBACK}; exec "$@"`;

/** Tries a network name space once. Never throws. */
export async function probeNetwork(): Promise<NetworkProbe> {
  let absent = "";
  for (const way of WAYS) {
    const tried = await attempt([...inside(way, `${LOOPBACK} && echo up || echo down`), ...leave(way)]);
    if ("output" in tried) return { way, loopback: tried.output === "up\n" };
    absent ||= tried.failure;
  }
  return { absent };
}

/**
 * With `bwrap` exactly what was asked for. Without it, `none` takes a network name space; where the system gives none,
 * processes reach the network of the host and that is said in `reach`, to gates, and in `notes`.
 */
export function networkOf(asked: "none" | "host", backend: Backend["name"], probe: NetworkProbe): Network {
  const as = (command: Command): Command => command;
  if (backend === "bwrap" || asked === "host") return { reach: asked, notes: [], wrap: as };
  if ("absent" in probe) {
    const why = `the network is NOT confined: this machine gives no network name space (${probe.absent})`;
    return { reach: "host", notes: [why], wrap: as };
  }
  const { way, loopback } = probe;
  return {
    reach: "none",
    notes: loopback ? [] : ["there is no loopback device either: `ip` (iproute2) is not installed"],
    wrap: (command) => [...inside(way, SETUP), ...leave(way), ...command],
  };
}

function inside(way: Way, script: string): Command {
  return [...enter(way, "net"), SHELL, "-c", script, "pinion"];
}
