import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
}

/**
 * The processes that come from `root`: its descendants, its process group and its session; with `marker` also those whose
 * environment holds it, which finds most of those that left their session and lost their parent (proc_pid_stat(5)).
 */
export function familyOf(root: number, marker?: string): readonly number[] {
  const rows = readRows();
  const family = new Set<number>(
    rows.filter((row) => row.pid === root || row.group === root || row.session === root).map(pidOf),
  );
  if (marker !== undefined) {
    const bytes = Buffer.from(marker).toString("latin1");
    for (const { pid } of rows) if (!family.has(pid) && readProcess(pid, "environ")?.includes(bytes)) family.add(pid);
  }
  for (let before = -1; before !== family.size; ) {
    before = family.size;
    for (const row of rows) if (family.has(row.parent)) family.add(row.pid);
  }
  return [...family];
}

/**
 * SIGKILLs a family until nobody is left. False when some are: processes of another user, or ones that fork faster than
 * they can be found.
 */
export async function killFamily(root: number, marker: string): Promise<boolean> {
  for (let round = 0; round < 100; round++) {
    kill(-root);
    const family = familyOf(root, marker).filter(isAlive);
    if (family.length === 0) return true;
    for (const pid of family) kill(pid);
    // Dying takes the system a moment.
    await setTimeout(5);
  }
  return false;
}

/** How many processes and threads the whole machine has (proc_loadavg(5)). */
export function countTasks(): number {
  return Number(/ \d+\/(\d+) /.exec(readFileSync("/proc/loadavg", "latin1"))?.[1]);
}

function readRows(): readonly Row[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => rowOf(Number(name)));
}

function rowOf(pid: number): readonly Row[] {
  const stat = readProcess(pid, "stat");
  if (stat === undefined) return [];
  // The command in parentheses may hold anything, also spaces and parentheses.
  const [, parent, group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return [{ pid, parent: Number(parent), group: Number(group), session: Number(session) }];
}

/** A zombie is dead; it waits for its parent. */
function isAlive(pid: number): boolean {
  const stat = readProcess(pid, "stat");
  return stat !== undefined && stat[stat.lastIndexOf(")") + 2] !== "Z";
}

function readProcess(pid: number, file: "stat" | "environ"): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    // It is gone, or belongs to somebody else.
    return undefined;
  }
}

/** A negative number is a process group. What is gone already is fine. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // ESRCH: gone already. EPERM: it belongs to another user, and killFamily reports that it is left.
    if (!(error instanceof Error && "code" in error && (error.code === "ESRCH" || error.code === "EPERM"))) throw error;
  }
}

function pidOf({ pid }: Row): number {
  return pid;
}
