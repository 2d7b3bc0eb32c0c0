/**
 * Files below directories that the manifest asks for and the blueprint grants. A handle is authority: it is bound to this
 * instance of the hook. Paths are relative, without `..`. What the host refuses is an `Error` that may be caught.
 */
import * as files from "pinion:hook/files@1.0.0";
import { plainErrors } from "./refusal.ts";

export type Entry = files.Entry;

/** A handle to a granted directory. */
export type Directory = string & { readonly directory: true };

/** By the name under which the manifest asks for it. */
export function openRoot(name: string): Directory {
  return plainErrors(() => files.openRoot(name)) as Directory;
}

export function openDirectory(directory: Directory, path: string): Directory {
  return plainErrors(() => files.openDirectory(directory, path)) as Directory;
}

export function list(directory: Directory, path = "."): Entry[] {
  return plainErrors(() => files.list(directory, path)).map((entry) => ({ ...entry, size: Number(entry.size) }));
}

export function stat(directory: Directory, path: string): Entry {
  const entry = plainErrors(() => files.stat(directory, path));
  return { ...entry, size: Number(entry.size) };
}

/** At most `length` bytes from `offset`, and never more than 1 MiB. Both are numbers: a BigInt would trap. */
export function read(directory: Directory, path: string, range: { offset?: number; length?: number } = {}): Uint8Array {
  const { offset = 0, length = 1 << 20 } = range;
  if (!Number.isSafeInteger(offset) || offset < 0) throw new Error("`offset` is no whole number");
  return plainErrors(() => files.read(directory, path, offset, length));
}

/** Creates or replaces a file of at most 1 MiB. */
export function write(directory: Directory, path: string, data: Uint8Array): void {
  plainErrors(() => files.write(directory, path, data));
}

export function createDirectory(directory: Directory, path: string): void {
  plainErrors(() => files.createDirectory(directory, path));
}

export function remove(directory: Directory, path: string): void {
  plainErrors(() => files.remove(directory, path));
}

export function rename(directory: Directory, source: string, target: string): void {
  plainErrors(() => files.rename(directory, source, target));
}
