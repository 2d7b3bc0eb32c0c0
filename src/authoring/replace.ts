import { open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Creates or replaces a file in one step: temporary file beside it, fsync, rename, fsync of the folder. Keeps the mode. */
export async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  const mode = (await stat(path).catch(() => undefined))?.mode ?? 0o666;
  try {
    const file = await open(partial, "wx", mode & 0o777);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
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
