import { probeBwrap } from "./backend.ts";
import { probeGroups } from "./cgroup.ts";
import { openFilter } from "./filter.ts";
import { probeNetwork } from "./network.ts";
import { probeTree, type TreeProbe } from "./tree/probe.ts";

/** What this machine offers for processes that tools start. */
export interface ProcessLayer {
  readonly name: "bwrap" | "system-calls" | "overlay" | "network" | "groups";
  readonly active: boolean;
  /** How it works, or why it does not. */
  readonly detail: string;
}

/** Really tries each of them. `folder`: an existing folder on the disk that holds the runs. */
export async function surveyProcesses(folder: string): Promise<readonly ProcessLayer[]> {
  const bwrap = await probeBwrap();
  const filter = "program" in bwrap ? await openFilter(bwrap.program, folder) : { absent: "it takes bwrap" };
  if ("filter" in filter) filter.filter.close();
  const tree = await probeTree({ folder });
  const network = await probeNetwork();
  const groups = probeGroups();
  return [
    layer("bwrap", "program" in bwrap ? "works" : undefined, bwrap),
    layer("system-calls", "filter" in filter ? "filtered" : undefined, filter),
    { name: "overlay", active: tree.kind === "overlay-mount", detail: overlay(tree) },
    layer("network", "way" in network ? withLoopback(network.loopback) : undefined, network),
    layer("groups", "root" in groups ? `control groups below ${groups.root} limit their number` : ownLimit(), groups),
  ];
}

function layer(name: ProcessLayer["name"], works: string | undefined, probe: object): ProcessLayer {
  if (works !== undefined) return { name, active: true, detail: works };
  return { name, active: false, detail: "absent" in probe ? String(probe.absent) : "" };
}

function overlay(tree: TreeProbe): string {
  if (tree.kind === "overlay-mount") {
    return tree.way === "root" ? "mounted by the kernel" : "mounted by the kernel, in a user name space";
  }
  const how = tree.reflink ? "copied for each process, with shared blocks" : "copied for each process";
  return `${how}, since a mount does not work here: ${tree.why}`;
}

function withLoopback(loopback: boolean): string {
  return loopback
    ? "a name space without the host's network"
    : "a name space without any device (`ip` is not installed)";
}

/** The system counts the processes of everybody but root (setrlimit(2)). */
function ownLimit(): string | undefined {
  return process.getuid?.() === 0 ? undefined : "the system limits the number of this user's processes";
}
