import * as promises from "node:fs/promises";
import { dirname } from "node:path";

/** The part of `node:fs/promises` that writing uses; a test passes one that fails. */
export type Disk = Pick<typeof promises, "open" | "mkdir" | "rename" | "stat" | "unlink">;
export const realDisk: Disk = promises;

/** Writes everything, in as few calls as the system needs. A failure may leave a part behind. */
export async function writeAll(file: Pick<promises.FileHandle, "write">, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}

/** Creates a file of mode 600 that is on disk as a whole or not at all, name included. Replaces what has the name. */
export async function writeWhole(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  await replaceWhole(disk, path, (file) => writeAll(file, bytes));
}

/** Like `writeWhole`, with what `fill` writes. On failure nothing stays behind. */
export async function replaceWhole(
  disk: Disk,
  path: string,
  fill: (file: promises.FileHandle) => Promise<void>,
): Promise<void> {
  const partial = `${path}.partial`;
  try {
    const file = await disk.open(partial, "w", 0o600);
    try {
      await fill(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(partial, path);
  } catch (error) {
    await disk.unlink(partial).catch(() => undefined); // the first error is the one to report
    throw error;
  }
  await syncFolder(disk, dirname(path));
}

/** Makes a folder, and those above it that are not there, of mode 700; their names are on disk when this resolves. */
export async function makeFolder(disk: Disk, folder: string): Promise<void> {
  const first = await disk.mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(disk, dirname(made));
}

/** fsync of a folder: the names in it are on disk. */
export async function syncFolder(disk: Disk, folder: string): Promise<void> {
  const handle = await disk.open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
