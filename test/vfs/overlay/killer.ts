import fs, { type PathLike } from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { kill, pid } from "node:process";

const CHANGING = [
  "renameSync",
  "unlinkSync",
  "mkdirSync",
  "rmdirSync",
  "symlinkSync",
  "ftruncateSync",
  "fchmodSync",
  "copyFileSync",
  "openSync",
  "fsync",
  "fdatasync",
  "copyFile",
] as const;

/** Writes come in halves from here on. */
const WHOLE = 16;

/**
 * From now on `before` is called ahead of every call that changes the disk, in this process and whatever module it comes from.
 * What is imported later sees it too.
 */
export function watchDisk(before: (call: string, path: string) => void): void {
  const table: Record<string, unknown> = fs as unknown as Record<string, unknown>;
  for (const name of CHANGING) {
    const real = table[name] as (...args: readonly unknown[]) => unknown;
    table[name] = (...args: readonly unknown[]) => {
      if (name !== "openSync" || (Number(args[1]) & fs.constants.O_CREAT) !== 0) before(name, String(args[0]));
      return real(...args);
    };
  }
  const { writeSync } = fs;
  table.writeSync = (fd: number, data: Uint8Array, offset = 0, length = data.length - offset, position?: number) => {
    before("writeSync", String(fd));
    return writeSync(fd, data, offset, length > WHOLE ? length >> 1 : length, position);
  };
  const { open, rm } = promises;
  const promised: Record<string, unknown> = promises as unknown as Record<string, unknown>;
  promised.rm = (path: PathLike, options: fs.RmOptions) => {
    before("rm", String(path));
    return rm(path, options);
  };
  promised.open = async (path: PathLike, flags: number, mode: number) => {
    before("open", String(path));
    const file = await open(path, flags, mode);
    const sync = file.sync.bind(file);
    return Object.assign(file, {
      sync: () => {
        before("sync", String(path));
        return sync();
      },
    });
  };
  syncBuiltinESMExports();
}

/** Kills this process before its n-th such call; counts the calls. */
export function killAt(n: number): { readonly calls: number } {
  const count = { calls: 0 };
  watchDisk(() => {
    if (count.calls === n) kill(pid, "SIGKILL");
    count.calls += 1;
  });
  return count;
}
