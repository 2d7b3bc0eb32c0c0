import { readFileSync } from "node:fs";

/** Our hook hosts: the processes of Node without permissions, behind whatever confines them. Linux. */
export function hookHostPids(): readonly number[] {
  return childrenOf(process.pid)
    .flatMap(innermost)
    .filter((pid) => read(pid, "cmdline").includes("--permission"));
}

/** What a process has started, and those in turn, with their command lines. Linux. */
export function descendants(pid: number): readonly { readonly pid: number; readonly command: string }[] {
  return childrenOf(pid).flatMap((child) => [
    { pid: child, command: read(child, "cmdline").replaceAll("\0", " ") },
    ...descendants(child),
  ]);
}

function innermost(pid: number): readonly number[] {
  const children = childrenOf(pid);
  return children.length === 0 ? [pid] : children.flatMap(innermost);
}

function childrenOf(pid: number): readonly number[] {
  return read(pid, `task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number);
}

/** Empty for a process that is gone. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
