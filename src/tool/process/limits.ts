/** Limits of one command and everything that it starts. */
export interface ProcessLimits {
  /** The longest time by the wall clock, in ms; a call may ask for less. */
  readonly timeoutMs: number;
  /** Processor time of all processes together, in ms. They are watched; the system enforces it for each of them. */
  readonly cpuMs: number;
  /** Memory of all processes together, in bytes. They are watched; the system enforces somewhat more for each of them. */
  readonly memoryBytes: number;
  /** Processes that are alive at once. They are watched; the system enforces somewhat more, except for root. */
  readonly processes: number;
  /** Bytes of each file that is written. */
  readonly fileBytes: number;
  /** Bytes kept of each of stdout and stderr. */
  readonly outputBytes: number;
  readonly openFiles: number;
  /** Bytes of the private temporary folder, where it is in memory (`bwrap`). */
  readonly temporaryBytes: number;
}

/** Those that no blueprint sets. */
export const FIXED_LIMITS = { openFiles: 1024, temporaryBytes: 256 * 1024 ** 2 };

export const PROCESS_LIMITS: ProcessLimits = {
  timeoutMs: 120_000,
  cpuMs: 120_000,
  memoryBytes: 4 * 1024 ** 3,
  processes: 1024,
  fileBytes: 1024 ** 3,
  outputBytes: 131_072,
  ...FIXED_LIMITS,
};

/** How a command ended. */
export const ENDINGS = ["by-itself", "timeout", "cpu", "memory", "too-many-processes", "quota"] as const;
export type Ending = (typeof ENDINGS)[number];

/** What a process may reserve beyond the memory that all may use and never touch: Node 26 begins with 0.6 GB of it. */
const UNTOUCHED_BYTES = 2 * 1024 ** 3;

/** The tasks that the system allows where it counts them: it counts threads, of which a process has several. */
export function taskLimit({ processes }: ProcessLimits): number {
  return Math.min(processes * 16, processes + 512);
}

/**
 * What `sh` does before the command: checks where it is, sets limits, clears the environment. Arguments: the expected
 * `device:inode` of the working directory or `any`; where to go first, a real path, or nothing; what to say when either is not as
 * expected; the variables of the environment, a line each; then the command line. A limit that cannot be set is one that is
 * narrower already. `others`: how many of the user's processes and threads there are that do not belong to the command.
 */
export function launcher(limits: ProcessLimits, others: number): string {
  const tasks = taskLimit(limits) + others;
  return [
    'moved() { echo "$1" >&2; exit 125; }',
    '[ -z "$2" ] || { cd -P -- "$2" 2>/dev/null && [ "$(pwd -P)" = "$2" ]; } || moved "$3"',
    '[ "$1" = any ] || [ "$(stat -c %d:%i .)" = "$1" ] || moved "$3"',
    "shift 3",
    "ulimit -c 0",
    `ulimit -t ${Math.ceil(limits.cpuMs / 1000) + 1} 2>/dev/null`,
    `ulimit -f ${Math.ceil(limits.fileBytes / 512)} 2>/dev/null`,
    `ulimit -d ${Math.ceil((limits.memoryBytes + UNTOUCHED_BYTES) / 1024)} 2>/dev/null`,
    `ulimit -n ${limits.openFiles} 2>/dev/null`,
    `ulimit -u ${tasks} 2>/dev/null || ulimit -p ${tasks} 2>/dev/null`,
    'exec /usr/bin/env -i "$@"',
  ].join("\n");
}
