import { closeSync, constants, fchmodSync, fsync, openSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { failure } from "./failure.ts";
import { type Descriptor, look, requireFile } from "./walk.ts";

const sync = promisify(fsync);
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** How many left-over temporary names are stepped over before giving up. */
const ATTEMPTS = 1000;

/**
 * Creates or replaces `name` in one step: temporary file, fsync, rename, fsync of the folder. When anything fails, the old
 * content stands and the temporary file is gone; a failed fsync is an error and is not tried again.
 */
export async function replaceFile(parent: Descriptor, name: string, path: string, data: Uint8Array): Promise<void> {
  const old = look(parent, name);
  if (old !== undefined) {
    requireFile(old, path);
    if (old.nlink > 1n) {
      throw failure("hard-link", path, "it has further hard links, maybe outside; write to another name");
    }
  }
  const temporary = createTemporary(parent, path);
  try {
    try {
      writeAll(temporary.fd, data);
      if (old !== undefined) fchmodSync(temporary.fd, Number(old.mode & 0o777n));
      await sync(temporary.fd);
    } finally {
      closeSync(temporary.fd);
    }
    renameSync(parent.at(temporary.name), parent.at(name));
  } catch (error) {
    unlinkSync(parent.at(temporary.name));
    throw error;
  }
  await sync(parent.fd);
}

/** O_EXCL makes a predictable name safe: nobody can have put a file or link there. */
function createTemporary(parent: Descriptor, path: string): { fd: number; name: string } {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const name = `.pinion-write-${attempt}`;
    try {
      return { fd: openSync(parent.at(name), CREATE, 0o666), name };
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
  }
  throw failure("busy", path, "too many temporary files `.pinion-write-*` are beside it; remove them");
}

function writeAll(fd: number, data: Uint8Array): void {
  let written = 0;
  while (written < data.length) written += writeSync(fd, data, written);
}
