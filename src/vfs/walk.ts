import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync } from "node:fs";
import { ToolError } from "../model/tool.ts";
import type { NodeKind, NodeStat } from "./directory.ts";
import { failure, guarded } from "./failure.ts";
import { formatPath } from "./path.ts";

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** O_NONBLOCK: opening a FIFO must not wait; O_NOCTTY: opening a terminal must not adopt it. */
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** An open descriptor that closes itself at the end of a `using` block. */
export class Descriptor {
  readonly fd: number;
  constructor(fd: number) {
    this.fd = fd;
  }
  /**
   * The name of a node in this directory. The kernel resolves `/proc/self/fd/<n>` to the directory that was opened, not to a
   * path, so only the last component is looked up (proc_pid_fd(5)).
   */
  at(name: string): string {
    return `/proc/self/fd/${this.fd}/${name}`;
  }
  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

/** A descriptor of its own for a directory that is open already. */
export function reopen(directory: number): Descriptor {
  return new Descriptor(openSync(`/proc/self/fd/${directory}`, constants.O_RDONLY | constants.O_DIRECTORY));
}

/**
 * Opens the directory at `segments` below an open one, a component at a time and without following links. Errors leave out
 * the first `unshown` components.
 */
export function descend(root: number, segments: readonly string[], unshown = 0): Descriptor {
  let current = reopen(root);
  for (const [index, name] of segments.entries()) {
    using parent = current;
    current = openDirectory(parent, name, formatPath(segments.slice(unshown, index + 1)));
  }
  return current;
}

function openDirectory(parent: Descriptor, name: string, path: string): Descriptor {
  try {
    return guarded(path, () => new Descriptor(openSync(parent.at(name), DIRECTORY)));
  } catch (error) {
    // With O_DIRECTORY the system answers ENOTDIR for links too; say which it is.
    if (error instanceof ToolError && error.code === "not-a-directory" && look(parent, name)?.isSymbolicLink()) {
      throw failure("link", path, "it is a link, and links are not followed");
    }
    throw error;
  }
}

/** Opens the directory that holds the last name of a path. The root itself has no parent. */
export function descendToParent(
  root: number,
  segments: readonly string[],
  unshown = 0,
): { parent: Descriptor; name: string } {
  const name = segments.at(-1);
  if (name === undefined) throw failure("is-a-directory", ".", "it is the directory itself");
  return { parent: descend(root, segments.slice(0, -1), unshown), name };
}

/** What a name stands for, without following it; undefined when there is nothing. */
export function look(parent: Descriptor, name: string): BigIntStats | undefined {
  return lstatSync(parent.at(name), { bigint: true, throwIfNoEntry: false });
}

/** Opens a regular file for reading. Anything else is refused, before it is opened where that can be told. */
export function openRegular(parent: Descriptor, name: string, path: string): { file: Descriptor; stats: BigIntStats } {
  return guarded(path, () => {
    requireFile(lstatSync(parent.at(name), { bigint: true }), path);
    const file = new Descriptor(openSync(parent.at(name), FILE));
    try {
      const stats = fstatSync(file.fd, { bigint: true });
      requireFile(stats, path);
      return { file, stats };
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
  });
}

export function requireFile(stats: BigIntStats, path: string): void {
  const kind = kindOf(stats);
  if (kind === "directory") throw failure("is-a-directory", path, "it is a directory");
  if (kind === "link") throw failure("link", path, "it is a link, and links are not followed");
  if (kind === "special") throw failure("special-file", path, "it is a device, FIFO or socket, not a regular file");
}

export function kindOf(stats: BigIntStats): NodeKind {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  return stats.isSymbolicLink() ? "link" : "special";
}

export function toStat(stats: BigIntStats): NodeStat {
  const identity = `${stats.dev}:${stats.ino}`;
  return {
    kind: kindOf(stats),
    size: Number(stats.size),
    links: Number(stats.nlink),
    identity,
    stamp: `${identity}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`,
  };
}
