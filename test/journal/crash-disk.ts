import { mkdirSync, writeFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Disk, realDisk } from "../../src/journal/disk.ts";

/** One call that changed something, or made a change durable. Paths are relative to the root. */
export type Call =
  | { readonly call: "create" | "sync" | "mkdir" | "unlink"; readonly path: string }
  | { readonly call: "truncate"; readonly path: string; readonly size: number }
  | { readonly call: "write"; readonly path: string; readonly bytes: Buffer }
  | { readonly call: "rename"; readonly path: string; readonly to: string };

/**
 * What a crash takes away of what was not synced. Journals are only appended to, so data that was not synced is a tail: gone,
 * a part of it, or zeros where the size was on disk and the data was not. Names are those of files in folders not synced.
 */
export const LOSSES = [
  "nothing",
  "data",
  "a part of the data",
  "data, but not its size",
  "names",
  "names and data",
] as const;
export type Loss = (typeof LOSSES)[number];

/** The real disk below a root, which notes every call that a crash could undo. `after` is called when one was noted. */
export function notingDisk(root: string, after: () => void): { readonly disk: Disk; readonly calls: readonly Call[] } {
  const calls: Call[] = [];
  const at = (path: unknown): string => String(path).slice(root.length + 1);
  const note = (call: Call): void => {
    calls.push(call);
    after();
  };
  const watch = (handle: FileHandle, path: string): FileHandle =>
    new Proxy(handle, {
      get(target, name) {
        if (name === "write") {
          return async (bytes: Uint8Array, offset: number, length: number) => {
            const { bytesWritten } = await target.write(bytes, offset, length > 256 ? length >> 1 : length);
            note({ call: "write", path, bytes: Buffer.from(bytes.subarray(offset, offset + bytesWritten)) });
            return { bytesWritten };
          };
        }
        if (name === "sync" || name === "datasync") {
          return async () => {
            await target[name]();
            note({ call: "sync", path });
          };
        }
        if (name === "truncate") {
          return async (size: number) => {
            await target.truncate(size);
            note({ call: "truncate", path, size });
          };
        }
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  const disk: Disk = {
    stat: realDisk.stat,
    open: async (path, flags, mode) => {
      const isThere = await realDisk.stat(path).then(
        () => true,
        () => false,
      );
      const handle = await realDisk.open(path, flags, mode);
      if (!isThere) note({ call: "create", path: at(path) });
      return watch(handle, at(path));
    },
    mkdir: (async (path: string, options: { recursive: true; mode: number }) => {
      const made = await realDisk.mkdir(path, options);
      for (let folder = path; made !== undefined && folder.length >= made.length; folder = dirname(folder)) {
        note({ call: "mkdir", path: at(folder) });
      }
      return made;
    }) as Disk["mkdir"],
    rename: async (from, to) => {
      await realDisk.rename(from, to);
      note({ call: "rename", path: at(from), to: at(to) });
    },
    unlink: async (path) => {
      await realDisk.unlink(path);
      note({ call: "unlink", path: at(path) });
    },
  };
  return { disk, calls };
}

/** A file: what was written, and what of it is on disk for sure. */
interface Content {
  now: Buffer;
  synced: Buffer;
}

type Names = Map<string, Content | "folder">;

/** Writes what a crash behind `calls` may leave below `root`. `pick` chooses how much of a tail is left, 0 up to 1. */
export function leave(root: string, calls: readonly Call[], loss: Loss, pick: () => number): void {
  const names: Names = new Map();
  /** Names that are on disk for sure. */
  const synced: Names = new Map();
  for (const one of calls) apply(one, names, synced);
  const kept = loss.startsWith("names") ? synced : names;
  for (const [path, content] of kept) {
    // A name in a folder whose own name was lost is lost with it.
    if (!reachable(path, kept)) continue;
    if (content === "folder") mkdirSync(join(root, path), { recursive: true });
    else {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), leftOf(content, loss, pick));
    }
  }
}

function apply(one: Call, names: Names, synced: Names): void {
  const found = names.get(one.path);
  if (one.call === "mkdir") names.set(one.path, "folder");
  else if (one.call === "create") names.set(one.path, { now: Buffer.alloc(0), synced: Buffer.alloc(0) });
  else if (one.call === "unlink") names.delete(one.path);
  else if (found === undefined || found === "folder") syncNames(one.path, names, synced);
  else change(one, found, names);
}

function change(one: Call, content: Content, names: Names): void {
  if (one.call === "sync") content.synced = content.now;
  if (one.call === "write") content.now = Buffer.concat([content.now, one.bytes]);
  if (one.call === "truncate") content.now = content.now.subarray(0, one.size);
  if (one.call === "rename") {
    names.delete(one.path);
    names.set(one.to, content);
  }
}

function syncNames(folder: string, names: Names, synced: Names): void {
  const isIn = (path: string): boolean => (folder === "" ? !path.includes("/") : dirname(path) === folder);
  for (const path of [...synced.keys()]) if (isIn(path)) synced.delete(path);
  for (const [path, content] of names) if (isIn(path)) synced.set(path, content);
}

function reachable(path: string, kept: ReadonlyMap<string, unknown>): boolean {
  const parent = dirname(path);
  return parent === "." || (kept.has(parent) && reachable(parent, kept));
}

function leftOf({ now, synced }: Content, loss: Loss, pick: () => number): Buffer {
  if (loss === "nothing" || loss === "names") return now;
  if (loss === "data" || loss === "names and data" || now.length <= synced.length) return synced;
  const tail = now.length - synced.length;
  if (loss === "data, but not its size") return Buffer.concat([synced, Buffer.alloc(tail)]);
  return now.subarray(0, synced.length + Math.floor(tail * pick()));
}
