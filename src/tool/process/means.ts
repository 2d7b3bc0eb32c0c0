import type { Authority } from "../ports.ts";
import { type Backend, type BackendName, chooseBackend, PROBE, probeBwrap } from "./backend.ts";
import { probeGroups } from "./cgroup.ts";
import { type Filter, openFilter } from "./filter.ts";
import { type Command, SHELL } from "./namespaces.ts";
import { type Network, networkOf, probeNetwork } from "./network.ts";
import { openSeal, type Seal } from "./seal.ts";

/** What confines the processes of one run, chosen and tried once. */
export interface Means {
  readonly backend: Backend;
  readonly filter: Filter | undefined;
  readonly seal: Seal;
  readonly network: Network;
  /** Where control groups can be made that limit tasks. */
  readonly groups: string | undefined;
  /** How it falls short of what was asked for; to be shown where a run begins, and given with every result. */
  readonly notes: readonly string[];
  /** A command that ends well where this confinement works. */
  readonly trial: Command;
  close(): void;
}

/**
 * Takes the first of the preferences that this machine has, and what goes with it. `temporary`: an existing folder. Throws
 * `WorldError` when no preference can be had. Close the result with the run.
 */
export async function openMeans(options: {
  readonly preferences: readonly BackendName[];
  readonly network: Authority["processNetwork"];
  readonly temporary: string;
}): Promise<Means> {
  const backend = chooseBackend(options.preferences, await probeBwrap());
  const groups = probeGroups();
  const common = { backend, groups: "root" in groups ? groups.root : undefined };
  if (backend.name === "bwrap") {
    const filtering = await openFilter(backend.program, options.temporary);
    const filter = "filter" in filtering ? filtering.filter : undefined;
    const { seal, notes } = await openSeal(backend.program);
    return {
      ...common,
      filter,
      seal,
      network: networkOf(options.network, "bwrap", { absent: "bwrap makes its own" }),
      notes: [...("absent" in filtering ? [`system calls are NOT filtered: ${filtering.absent}`] : []), ...notes],
      trial: [backend.program, ...PROBE],
      close: () => filter?.close(),
    };
  }
  const network = networkOf(options.network, "unconfined", await probeNetwork());
  const trial = [SHELL, "-c", ":"];
  return {
    ...common,
    filter: undefined,
    seal: (command) => command,
    network,
    notes: [backend.notice, ...network.notes],
    trial,
    close: () => undefined,
  };
}
