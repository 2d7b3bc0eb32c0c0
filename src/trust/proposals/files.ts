import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { IntegrityError } from "../../model/errors.ts";

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The bytes of a regular file, undefined when there is none. Throws `IntegrityError` for what is no file, or larger than `limit`. */
export async function readBounded(path: string, limit: number): Promise<Uint8Array | undefined> {
  const wrong = (what: string) => new IntegrityError({ code: "proposal-changed", message: `\`${path}\` ${what}` });
  const file = await open(path, READ).catch(({ code }: NodeJS.ErrnoException) => {
    if (code === "ENOENT") return undefined;
    throw wrong(`cannot be read (${code})`);
  });
  if (file === undefined) return undefined;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw wrong("is no file");
    if (stat.size > limit) throw wrong(`has ${stat.size} bytes, expected at most ${limit}`);
    // It may grow meanwhile: one byte more tells.
    const buffer = Buffer.alloc(limit < stat.size + 1 ? limit + 1 : stat.size + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > stat.size) throw wrong("grows while it is read");
    return buffer.subarray(0, length);
  } finally {
    await file.close();
  }
}

/** Writes a file that is not there yet, for this user alone, to the disk. */
export async function writeNew(folder: string, name: string, content: Uint8Array | string): Promise<void> {
  const file = await open(join(folder, name), "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Creates or replaces a file in one step, for this user alone. */
export async function writeOver(folder: string, name: string, content: Uint8Array | string): Promise<void> {
  const partial = `.${name}.${process.pid}.partial`;
  try {
    await writeNew(folder, partial, content);
    await rename(join(folder, partial), join(folder, name));
  } catch (error) {
    await rm(join(folder, partial), { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** The names in a folder are on disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
