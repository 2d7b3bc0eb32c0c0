import type { Digest } from "../../model/canonical.ts";

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

/** What `launcher` says when what it opened is not the image that was resolved. */
export const REPLACED = "pinion: the executable is not the one that was resolved";

/** An image that is open in the child, and where it is found there: a real path. */
export interface Reopened {
  readonly descriptor: number;
  readonly path: string;
  readonly digest: Digest;
}

/**
 * What `sh` does before the command: checks where it is, opens images anew, sets limits, clears the environment. Arguments: the
 * expected `device:inode` of the working directory or `any`; where to go first, a real path, or nothing; what to say when either is
 * not as expected; pairs of `device:inode` and the path where that is expected as well, and `--`; a path for each of `images`; the variables of the environment, a line each; then the command line. A limit that
 * cannot be set is one that is narrower already. `others`: how many of the user's processes and threads there are that do not
 * belong to the command.
 */
export function launcher(limits: ProcessLimits, others: number, images: readonly Reopened[]): string {
  const tasks = taskLimit(limits) + others;
  return [
    'refuse() { echo "$1" >&2; exit 125; }',
    '[ -z "$2" ] || { cd -P -- "$2" 2>/dev/null && [ "$(pwd -P)" = "$2" ]; } || refuse "$3"',
    '[ "$1" = any ] || [ "$(stat -c %d:%i .)" = "$1" ] || refuse "$3"',
    "moved=$3; shift 3",
    'while [ "$1" != -- ]; do [ "$(stat -c %d:%i -- "$2")" = "$1" ] || refuse "$moved"; shift 2; done; shift',
    ...images.flatMap(reopen),
    "ulimit -c 0",
    `ulimit -t ${Math.ceil(limits.cpuMs / 1000) + 1} 2>/dev/null`,
    `ulimit -f ${Math.ceil(limits.fileBytes / 512)} 2>/dev/null`,
    `ulimit -d ${Math.ceil((limits.memoryBytes + UNTOUCHED_BYTES) / 1024)} 2>/dev/null`,
    `ulimit -n ${limits.openFiles} 2>/dev/null`,
    `ulimit -u ${tasks} 2>/dev/null || ulimit -p ${tasks} 2>/dev/null`,
    'exec /usr/bin/env -i "$@"',
  ].join("\n");
}

/**
 * Puts the image as it is found here in the place of the descriptor that came along: that one leads to the host's own mount, on
 * which whoever owns the file may write it (proc_pid_fd(5)). In a merged tree the same file has another identity.
 */
function reopen({ descriptor, digest }: Reopened): readonly string[] {
  const identity = `"$(stat -L -c %d:%i /proc/self/fd/${descriptor})"`;
  const read = `"$(sha256sum </proc/self/fd/${descriptor})"`;
  return [
    `resolved=${identity}`,
    `[ -r "$1" ] && exec ${descriptor}<"$1" || refuse '${REPLACED}'`,
    `[ ${identity} = "$resolved" ] || [ ${read} = '${digest.slice("sha256:".length)}  -' ] || refuse '${REPLACED}'`,
    "shift",
  ];
}
