/** Limits of one process run. */
export interface ProcessLimits {
  /** The longest time, in ms; a call may ask for less. */
  readonly timeoutMs: number;
  /** Bytes kept of each of stdout and stderr. */
  readonly outputBytes: number;
  /** Processes that are alive at once. The system enforces it, counting threads as well, except for root, who is watched. */
  readonly processes: number;
  /** Bytes of each file that is written. */
  readonly fileBytes: number;
  /** Bytes of memory that each process may allocate. */
  readonly dataBytes: number;
  readonly openFiles: number;
  /** Bytes of the private temporary folder, where it is in memory (`bwrap`). */
  readonly temporaryBytes: number;
}

export const PROCESS_LIMITS: ProcessLimits = {
  timeoutMs: 120_000,
  outputBytes: 131_072,
  processes: 1024,
  fileBytes: 1024 ** 3,
  dataBytes: 4 * 1024 ** 3,
  openFiles: 1024,
  temporaryBytes: 256 * 1024 ** 2,
};

/**
 * What `sh` does before the command: checks where it is, sets limits, clears the environment. Arguments: the expected
 * `device:inode` of the working directory or `any`; the variables of the environment, a line each; then the command line.
 * A limit that cannot be set is one that is narrower already. `tasks`: the number of the user's processes and threads from
 * which on there are no more.
 */
export function launcher(limits: ProcessLimits, tasks: number): string {
  return [
    '[ "$1" = any ] || [ "$(stat -c %d:%i .)" = "$1" ] || { echo "$2" >&2; exit 125; }',
    "shift 2",
    "ulimit -c 0",
    `ulimit -f ${Math.ceil(limits.fileBytes / 512)} 2>/dev/null`,
    `ulimit -d ${Math.ceil(limits.dataBytes / 1024)} 2>/dev/null`,
    `ulimit -n ${limits.openFiles} 2>/dev/null`,
    `ulimit -u ${tasks} 2>/dev/null || ulimit -p ${tasks} 2>/dev/null`,
    'exec /usr/bin/env -i "$@"',
  ].join("\n");
}
