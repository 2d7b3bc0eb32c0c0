import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { HostLayer } from "../model/hook.ts";
import { LIMITS, NPROC, type Tool } from "./confinement.ts";
import type { SelfCheck } from "./host/wire.ts";

/** What confines a hook host, as it was found when it had started. */
export interface Started {
  /** Of the process that was started; Node may be a child of it. */
  readonly pid: number;
  readonly tools: readonly Tool[];
  readonly seen: SelfCheck;
}

/** Ours, about memory; and bubblewrap tells its child where it is. */
const HARMLESS = new Set(["GLIBC_TUNABLES", "PWD"]);

/**
 * The layers around a hook host, each looked at in the process itself: from inside by its self-check, from outside in
 * Linux's /proc. The signal at our death cannot be read there: it is what a tool has promised by starting the process at all.
 */
export function layersAround({ pid, tools, seen }: Started): readonly HostLayer[] {
  const node = innermost(pid);
  const variables = seen.environment.filter((name) => !HARMLESS.has(name));
  const environment = `nothing but ${seen.environment.join(" and ")}`;
  const fatherless = tools.find((tool) => tool !== "prlimit");
  return [
    layer(
      "permission",
      seen.permission,
      "Node's permission model denies files, processes, workers, native addons, the inspector and the network",
    ),
    layer("environment", variables.length === 0, variables.length === 0 ? environment : `has ${variables.join(", ")}`),
    layer("wasm-caps", seen.wasmCaps, "V8 bounds every memory and table"),
    layer(
      "pdeathsig",
      fatherless !== undefined,
      fatherless ? `killed with its parent, by ${fatherless}` : "needs setpriv",
    ),
    privileges(node),
    limits(node),
    namespaces(node, tools),
  ];
}

function layer(name: HostLayer["name"], active: boolean, detail: string): HostLayer {
  return { name, active, detail };
}

function privileges(pid: number): HostLayer {
  const status = fields(pid, "status");
  const isLocked = status.get("NoNewPrivs") === "1";
  const has = /^0+$/.test(status.get("CapEff") ?? "") ? "none" : (status.get("CapEff") ?? "unknown");
  const locked = isLocked ? "no new privileges" : "new privileges are possible";
  return layer("privileges", isLocked && has === "none", `${locked}, capabilities: ${has}`);
}

/** How the kernel names what we set. */
const NAMES = {
  core: "Max core file size",
  fsize: "Max file size",
  nofile: "Max open files",
  data: "Max data size",
  stack: "Max stack size",
} as const;

function limits(pid: number): HostLayer {
  const lines = read(pid, "limits");
  const hard = (name: string) => new RegExp(`^${name} +\\S+ +(\\S+)`, "m").exec(lines)?.[1];
  const names = Object.entries(NAMES).filter(
    ([name, line]) => hard(line) === String(LIMITS[name as keyof typeof LIMITS]),
  );
  const set = [...names.map(([name]) => name), ...(hard("Max processes") === String(NPROC) ? ["nproc"] : [])];
  const active = names.length === Object.keys(NAMES).length;
  return layer("rlimits", active, set.length === 0 ? "none: needs prlimit" : set.join(", "));
}

function namespaces(pid: number, tools: readonly Tool[]): HostLayer {
  const apart = readNames("self").filter((name) => link("self", name) !== link(pid, name));
  const active = tools.includes("bwrap") && ["mnt", "net", "pid"].every((name) => apart.includes(name));
  return layer(
    "bwrap",
    active,
    active ? `namespaces of its own: ${apart.join(", ")}` : "needs bubblewrap, permitted to make namespaces",
  );
}

/** Node is the last of the processes that each have the next for their only child. */
function innermost(pid: number): number {
  const [child] = read(pid, `task/${pid}/children`).split(" ");
  return child ? innermost(Number(child)) : pid;
}

function fields(pid: number, file: string): ReadonlyMap<string, string> {
  return new Map([...read(pid, file).matchAll(/^(\w+):\s*(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]));
}

/** Empty where there is no such file: not Linux, or the process is gone. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

function readNames(pid: number | "self"): string[] {
  try {
    return readdirSync(`/proc/${pid}/ns`).filter((name) => !name.includes("_for_"));
  } catch {
    return [];
  }
}

function link(pid: number | "self", name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${name}`);
  } catch {
    return undefined;
  }
}
