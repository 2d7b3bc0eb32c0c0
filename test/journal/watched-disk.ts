import type { FileHandle } from "node:fs/promises";
import { type Disk, realDisk } from "../../src/journal/disk.ts";

/** The real disk, with a call before each system call; larger writes come in parts. What `before` throws, the call throws. */
export function watchedDisk(before: (call: string, path: string) => void): Disk {
  const watch = (handle: FileHandle, path: string): FileHandle =>
    new Proxy(handle, {
      get(target, name) {
        if (name === "write") {
          return (bytes: Uint8Array, offset: number, length: number) => {
            before("write", path);
            return target.write(bytes, offset, length > 256 ? length >> 1 : length);
          };
        }
        if (name === "sync" || name === "datasync" || name === "truncate" || name === "close") {
          return async (size?: number) => {
            try {
              before(name, path);
            } catch (error) {
              if (name === "close") await target.close(); // one that fails has let go all the same
              throw error;
            }
            return name === "truncate" ? target.truncate(size) : target[name]();
          };
        }
        return Reflect.get(target, name);
      },
    });
  return {
    ...realDisk,
    open: async (path, flags, mode) => {
      before("open", String(path));
      return watch(await realDisk.open(path, flags, mode), String(path));
    },
    mkdir: (async (path: string, options: { recursive: true }) => {
      before("mkdir", path);
      return realDisk.mkdir(path, options);
    }) as Disk["mkdir"],
    stat: (async (path: string) => {
      before("stat", path);
      return realDisk.stat(path);
    }) as Disk["stat"],
    unlink: async (path) => {
      before("unlink", String(path));
      return realDisk.unlink(path);
    },
    rename: async (from, to) => {
      before("rename", String(to));
      return realDisk.rename(from, to);
    },
  };
}
