import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { Group } from "./cgroup.ts";
import { memoryOf, parseStat, type Row, readProcess } from "./stat.ts";

/** How members of a family are found. */
export interface Kinship {
  /** Everything is in this group. */
  readonly group?: Group;
  /** What their environment holds: finds most of those that left their session and lost their parent. */
  readonly marker?: string;
  /** Processes that only confine the command. */
  readonly confiners: number;
}

export interface Usage {
  /** Alive, without those that only confine. */
  readonly processes: number;
  /** Processor time since the start, in ms, of those that ended as well. */
  readonly cpuMs: number;
  /** Resident memory in bytes; what is shared may count several times. */
  readonly residentBytes: number;
}

/** What a process started, with itself: descendants, its process group and session, and what `Kinship` finds. */
export class Family {
  readonly #root: number;
  readonly #kinship: Kinship;
  /** Processor time of every member when it was seen last, in ms, by pid and start. */
  readonly #spent = new Map<string, number>();
  /** Processes that were there and did not belong to it. */
  #others = new Set<string>();
  #cpuMs = 0;

  constructor(root: number, kinship: Kinship) {
    this.#root = root;
    this.#kinship = kinship;
  }

  /** Members that are not dead; a zombie is, it waits for its parent. */
  members(): readonly Row[] {
    return this.#find().filter(({ state }) => state !== "Z" && state !== "X");
  }

  usage(): Usage {
    const rows = this.#find();
    for (const row of rows) this.#spent.set(keyOf(row), row.ownMs);
    // Of children that ended, the time is with the parent that waited for them, or where it was seen last.
    const now = rows.reduce((sum, { ownMs, childrenMs }) => sum + ownMs + childrenMs, 0);
    const seen = [...this.#spent.values()].reduce((sum, ms) => sum + ms, 0);
    this.#cpuMs = Math.max(this.#cpuMs, now, seen);
    const alive = rows.filter(({ state }) => state !== "Z" && state !== "X");
    return {
      processes: alive.length - this.#kinship.confiners,
      cpuMs: this.#cpuMs,
      residentBytes: alive.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
    };
  }

  /** Memory in bytes that is theirs alone: what several share counts once. Takes longer than `usage`. */
  memory(): number {
    return this.members().reduce((sum, row) => sum + memoryOf(row), 0);
  }

  /** Forbids new ones where there is a group, and SIGKILLs those that are there. */
  strike(): void {
    this.#kinship.group?.freeze();
    kill(-this.#root);
    // Now everybody is asked, at some cost.
    this.#others.clear();
    for (const { pid } of this.members()) kill(pid);
  }

  #find(): readonly Row[] {
    const { group } = this.#kinship;
    if (group !== undefined) return group.pids().flatMap(parseStat);
    const rows = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => parseStat(Number(name)));
    const family = new Map(rows.filter((row) => this.#isMember(row)).map((row) => [row.pid, row]));
    for (let before = -1; before !== family.size; ) {
      before = family.size;
      for (const row of rows) if (family.has(row.parent)) family.set(row.pid, row);
    }
    this.#others = new Set(rows.filter(({ pid }) => !family.has(pid)).map(keyOf));
    return [...family.values()];
  }

  #isMember(row: Row): boolean {
    const { pid, group, session } = row;
    if (pid === this.#root || group === this.#root || session === this.#root) return true;
    const key = keyOf(row);
    if (this.#spent.has(key)) return true;
    const { marker } = this.#kinship;
    // Whoever did not belong to it cannot come to belong to it.
    if (marker === undefined || this.#others.has(key)) return false;
    return readProcess(pid, "environ")?.includes(Buffer.from(marker).toString("latin1")) ?? false;
  }
}

/**
 * SIGKILLs a family until nobody is left. False when some are: processes of another user, or ones that fork faster than they can
 * be found.
 */
export async function killFamily(family: Family): Promise<boolean> {
  for (let round = 0; round < 200; round++) {
    family.strike();
    if (family.members().length === 0) return true;
    // Dying takes the system a moment.
    await setTimeout(5);
  }
  return false;
}

/** How many processes and threads the whole machine has (proc_loadavg(5)). */
export function countTasks(): number {
  return Number(/ \d+\/(\d+) /.exec(readFileSync("/proc/loadavg", "latin1"))?.[1]);
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

/** A pid may come again; its time of start does not. */
function keyOf({ pid, start }: Row): string {
  return `${pid}:${start}`;
}
