import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  readlinkSync,
  symlinkSync,
} from "node:fs";

/** A name or path as bytes, a character each (latin1), so that names that are not UTF-8 stay what they are. */
export type Bytes = string;

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** O_PATH of open(2), which Node does not name: opens whatever is there without reading or following it. */
const O_PATH = 0o10000000;

/** An open directory. What is in it is reached through the descriptor, and no link is ever followed (proc_pid_fd(5)). */
export class Folder {
  readonly fd: number;
  private constructor(fd: number) {
    this.fd = fd;
  }

  /** `path`: of this machine, absolute; its last name may not be a link. */
  static open(path: string): Folder {
    return new Folder(openSync(path, DIRECTORY));
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }

  at(name: Bytes): Buffer {
    return Buffer.from(`/proc/self/fd/${this.fd}/${name}`, "latin1");
  }

  /** Sorted by byte. */
  names(): readonly Bytes[] {
    const handle = opendirSync(`/proc/self/fd/${this.fd}`, { encoding: "latin1" });
    try {
      const names: Bytes[] = [];
      for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) names.push(entry.name);
      return names.sort();
    } finally {
      handle.closeSync();
    }
  }

  look(name: Bytes): BigIntStats | undefined {
    return lstatSync(this.at(name), { bigint: true, throwIfNoEntry: false });
  }

  /** Throws the error of open(2) when it is no directory (any more). */
  child(name: Bytes): Folder {
    return new Folder(openSync(this.at(name), DIRECTORY));
  }

  create(name: Bytes): Folder {
    mkdirSync(this.at(name), { mode: 0o700 });
    return this.child(name);
  }

  link(name: Bytes, target: Buffer): void {
    symlinkSync(target, this.at(name));
  }

  target(name: Bytes): Buffer {
    return readlinkSync(this.at(name), { encoding: "buffer" });
  }

  /** Adds permission bits of what is there; a link that took its place is not followed. */
  permit(name: Bytes, stats: BigIntStats, bits: bigint): void {
    if ((stats.mode & bits) === bits) return;
    const fd = openSync(this.at(name), O_PATH | constants.O_NOFOLLOW);
    try {
      chmodSync(`/proc/self/fd/${fd}`, Number((stats.mode | bits) & 0o777n));
    } finally {
      closeSync(fd);
    }
  }
}

export function joined(folder: Bytes, name: Bytes): Bytes {
  return folder === "" ? name : `${folder}/${name}`;
}

export function bytesOf(text: string): Bytes {
  return Buffer.from(text).toString("latin1");
}

/** The path as text if all its names are ones that the tools accept. */
export function spelled(path: Bytes, accepts: (path: string) => boolean): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(path, "latin1"));
    return accepts(text) ? text : undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** A device 0:0: how an overlay of the kernel says that there is nothing. */
export function isWhiteout(stats: BigIntStats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0n;
}

/** Undefined when it is gone meanwhile, is no directory any more, or may not be entered. */
export function enterable(folder: Folder, name: Bytes): Folder | undefined {
  try {
    return folder.child(name);
  } catch (error) {
    if (isGone(error) || isDenied(error)) return undefined;
    throw error;
  }
}

/** Somebody removed or replaced it meanwhile. */
export function isGone(error: unknown): boolean {
  return hasCode(error, "ENOENT", "ENOTDIR", "ELOOP", "ENXIO");
}

export function isDenied(error: unknown): boolean {
  return hasCode(error, "EACCES", "EPERM");
}

/** No more files can be open. */
export function isTooMany(error: unknown): boolean {
  return hasCode(error, "EMFILE");
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
