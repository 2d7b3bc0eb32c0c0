import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, SHELL } from "./namespaces.ts";

/** Where groups of processes can be made whose number of tasks the system limits; if not, why. */
export type GroupProbe = { readonly root: string } | { readonly absent: string };

/** A group of processes that nothing leaves by itself, neither by a session of its own nor by losing its parent (cgroups(7)). */
export interface Group {
  /** The command line that runs inside, with everything that it starts. */
  wrap(command: Command): Command;
  pids(): readonly number[];
  /** From now on nothing is started in it. */
  freeze(): void;
  /** Removes the group; false when something is still in it. */
  close(): boolean;
}

const PREFIX = "pinion-";
const ROOTS = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"];
const JOIN = 'echo 0 >"$1/cgroup.procs" || exit 125; shift; exec "$@"';

/** Tries, at the roots of both versions of control groups, whether a group that limits tasks can be made. Never throws. */
export function probeGroups(roots: readonly string[] = ROOTS): GroupProbe {
  let absent = "there are no control groups that limit tasks";
  for (const root of roots.filter((path) => existsSync(join(path, "cgroup.procs")))) {
    try {
      removeLost(root);
      const tried = openGroup(root, 1);
      tried.freeze();
      tried.close();
      return { root };
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      absent = `\`${root}\` allows no group that limits tasks: ${code}`;
    }
  }
  return { absent };
}

/** Makes a group of at most `tasks` processes and threads. Throws the system's error. */
export function openGroup(root: string, tasks: number): Group {
  const folder = mkdtempSync(join(root, `${PREFIX}${process.pid}-`));
  const limit = (value: number): void => writeFileSync(join(folder, "pids.max"), String(value));
  try {
    limit(tasks);
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
  return {
    wrap: (command) => [SHELL, "-c", JOIN, "pinion", folder, ...command],
    pids: () => readFileSync(join(folder, "cgroup.procs"), "latin1").split("\n").filter(Boolean).map(Number),
    freeze: () => limit(0),
    close: () => removed(folder),
  };
}

function removed(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EBUSY") return false;
    throw error;
  }
}

/** Groups of a Pinion that was killed. */
function removeLost(root: string): void {
  for (const name of readdirSync(root)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removed(join(root, name));
  }
}
