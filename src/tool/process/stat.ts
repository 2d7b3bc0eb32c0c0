import { readFileSync } from "node:fs";

/** What the system says of one process (proc_pid_stat(5)). */
export interface Row {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Processor time in ms: its own, and that of children that ended and that it waited for. */
  readonly ownMs: number;
  readonly childrenMs: number;
  /** In ticks since the machine started. */
  readonly start: string;
  readonly residentBytes: number;
}

/** Times are told to programs in hundredths of a second, on every Linux (USER_HZ). */
const MS_PER_TICK = 10;
/** AT_PAGESZ (getauxval(3)). */
const PAGE_SIZE_KEY = 6n;
let pageSize: number | undefined;

/** One row, or none when it is gone. */
export function parseStat(pid: number): readonly Row[] {
  const stat = readProcess(pid, "stat");
  if (stat === undefined) return [];
  // The command in parentheses may hold anything, also spaces and parentheses. What follows starts with field 3.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const number = (field: number): number => Number(fields[field - 3]);
  return [
    {
      pid,
      state: fields[0] ?? "X",
      parent: number(4),
      group: number(5),
      session: number(6),
      ownMs: (number(14) + number(15)) * MS_PER_TICK,
      childrenMs: (number(16) + number(17)) * MS_PER_TICK,
      start: fields[22 - 3] ?? "",
      residentBytes: number(24) * bytesPerPage(),
    },
  ];
}

/**
 * Bytes of memory that hold its data, also swapped out ones, those shared with others in equal parts; files that it maps do not
 * count (proc_pid_smaps(5)). Where the system does not tell, what is resident.
 */
export function memoryOf({ pid, residentBytes }: Row): number {
  const rollup = readProcess(pid, "smaps_rollup");
  const parts = ["Pss_Anon", "Pss_Shmem", "SwapPss"].map((name) =>
    new RegExp(`^${name}: *(\\d+) kB$`, "m").exec(rollup ?? ""),
  );
  if (parts[0] === null) return residentBytes;
  return parts.reduce((sum, part) => sum + Number(part?.[1] ?? 0) * 1024, 0);
}

function bytesPerPage(): number {
  if (pageSize === undefined) {
    const auxv = readFileSync("/proc/self/auxv");
    for (let at = 0; at + 16 <= auxv.length; at += 16) {
      if (auxv.readBigUInt64LE(at) === PAGE_SIZE_KEY) pageSize = Number(auxv.readBigUInt64LE(at + 8));
    }
  }
  return pageSize ?? 4096;
}

export function readProcess(pid: number, file: "stat" | "environ" | "smaps_rollup"): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    // It is gone, or belongs to somebody else.
    return undefined;
  }
}
