import { existsSync } from "node:fs";

/** A command and its arguments. */
type Line = readonly string[];

/** How child processes are started, around what Node itself confines. */
export interface Confinement {
  /** What is wrapped around Node, from the outside in. */
  readonly tools: readonly Tool[];
  /** The whole line for a command of Node that reads these paths. Node is the first of it. */
  wrap(command: Line, readable: readonly string[]): Line;
}

export type Tool = "bwrap" | "setpriv" | "prlimit";

/** Of util-linux and bubblewrap, where Debian and others put them; not looked up on a PATH that somebody could set. */
const PROGRAMS: Readonly<Record<Tool, string>> = {
  bwrap: "/usr/bin/bwrap",
  setpriv: "/usr/bin/setpriv",
  prlimit: "/usr/bin/prlimit",
};

const MiB = 1024 * 1024;

/**
 * What the kernel allows a child process, soft and hard. CPU time has no limit, since a hook host serves a whole run: single
 * calls are bounded by fuel and deadline. `data` counts what is writable, not what V8 reserves for memories of Wasm; it lies
 * above what a chain of hooks may have together, and keeps a fault of V8 or of ours from taking the machine.
 */
export const LIMITS = {
  core: 0,
  fsize: 0,
  nofile: 64,
  data: 4096 * MiB,
  stack: 256 * MiB,
} as const;
/** Counts processes and threads. Outside a user namespace it would count all that the user runs. It does not bind root. */
export const NPROC = 64;

/** Where shared libraries are. */
const LIBRARIES = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"];

/** Nothing around Node but its own permission model. */
export const BARE: Confinement = { tools: [], wrap: (command) => command };

/**
 * The ways to start a child process here, the tightest first: each of them only hopes that the machine permits it. Programs
 * that are not installed are left out; the last way is `BARE`.
 */
export function confinements(has: (program: string) => boolean = existsSync): readonly Confinement[] {
  const inner = (count: boolean): Confinement[] =>
    has(PROGRAMS.prlimit) ? [{ tools: ["prlimit"], wrap: (command) => limited(command, count) }, BARE] : [BARE];
  const around = (tool: Tool, outer: (command: Line, readable: readonly string[]) => Line): Confinement[] =>
    has(PROGRAMS[tool])
      ? inner(tool === "bwrap").map(({ tools, wrap }) => ({
          tools: [tool, ...tools],
          wrap: (command, readable) => {
            const [node = ""] = command;
            return outer(wrap(command, readable), [node, ...readable, ...(tools.length > 0 ? [PROGRAMS.prlimit] : [])]);
          },
        }))
      : [];
  return [
    ...around("bwrap", inNamespaces),
    ...around("setpriv", (command) =>
      privileged(["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"], command),
    ),
    // Only root may give up capabilities that it could regain; others have none.
    ...around("setpriv", (command) => privileged(["--no-new-privs"], command)),
    ...inner(false),
  ];
}

function limited(command: Line, count: boolean): Line {
  const limits = Object.entries({ ...LIMITS, ...(count ? { nproc: NPROC } : {}) });
  return [PROGRAMS.prlimit, ...limits.map(([name, value]) => `--${name}=${value}`), "--", ...command];
}

/** `pdeathsig`: the kernel kills the process when we die, even while it is in the middle of a loop. */
function privileged(flags: readonly string[], command: Line): Line {
  return [PROGRAMS.setpriv, "--pdeathsig", "KILL", ...flags, "--", ...command];
}

/** Namespaces of its own, all of them; of files, libraries and what it is given, nothing writable, no /proc and no /dev. */
function inNamespaces(command: Line, readable: readonly string[]): Line {
  return [
    PROGRAMS.bwrap,
    ...["--unshare-all", "--die-with-parent", "--as-pid-1", "--cap-drop", "ALL"],
    ...LIBRARIES.flatMap((folder) => ["--ro-bind-try", folder, folder]),
    ...readable.flatMap((path) => ["--ro-bind", path, path]),
    ...["--remount-ro", "/", "--chdir", "/", "--"],
    ...command,
  ];
}
