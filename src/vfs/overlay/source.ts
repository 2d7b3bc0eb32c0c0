import { fchmodSync, fstatSync, lstatSync, mkdirSync, renameSync, symlinkSync } from "node:fs";
import { basename, dirname } from "node:path";
import { failure } from "../failure.ts";
import { type Descriptor, openRegular } from "../walk.ts";
import { type Layer, orAbsent, type Route, sync } from "./layer.ts";
import type { Incoming } from "./overlay.ts";
import { copiedFrom, createFile } from "./stage.ts";
import { openFolder, stateAt } from "./state.ts";

/** What comes to a path, and is not nothing. */
export type Arrival = Exclude<Incoming, { readonly kind: "nothing" }>;
type ArrivingFile = Extract<Incoming, { readonly kind: "file" }>;

/** Bytes of a file that comes in, as its size says. */
export function measure({ path, source }: ArrivingFile): number {
  const stats = lstatSync(source);
  if (!stats.isFile()) throw failure("special-file", path, "what comes in is not a regular file");
  return stats.size;
}

/** Whether the merged tree shows at a path what comes in there. */
export function sameAs(layer: Layer, route: Route, item: Exclude<Arrival, { readonly kind: "directory" }>): boolean {
  if (layer.kind(route) !== item.kind) return false;
  const at = orAbsent(() => layer.place(route));
  if (at === undefined) return false;
  using parent = at.parent;
  if (item.kind === "file" && lstatSync(parent.at(at.name)).size !== measure(item)) return false;
  const { state } = stateAt(parent, at.name, item.path);
  if (item.kind === "link") return state.kind === "link" && state.target === item.target;
  if (state.kind !== "file" || state.executable !== item.executable) return false;
  using folder = openFolder(dirname(item.source));
  const { state: arriving } = stateAt(folder, basename(item.source), item.path);
  return arriving.kind === "file" && arriving.digest === state.digest;
}

/**
 * Puts what comes in into `staging`, on disk when it resolves. A file moves when it can; one with further names is copied,
 * since they may be somebody else's.
 */
export async function takeIn({ places }: Layer, item: Arrival, staged: string): Promise<void> {
  const to = places.staging.at(staged);
  if (item.kind === "directory") return mkdirSync(to, 0o755);
  if (item.kind === "link") return symlinkSync(item.target, to);
  using folder = openFolder(dirname(item.source));
  const { file, stats } = openRegular(folder, basename(item.source), item.path);
  using _ = file;
  if (stats.nlink > 1n || !moves(folder.at(basename(item.source)), to)) {
    await createFile({ folder: places.staging, name: staged }, item.executable, copiedFrom(file));
    return;
  }
  if (!isSame(file, to)) throw failure("special-file", item.path, "what comes in changed while it was taken over");
  fchmodSync(file.fd, item.executable ? 0o755 : 0o644);
  await sync(file.fd);
}

function moves(source: string, to: string): boolean {
  try {
    renameSync(source, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EXDEV") return false;
    throw error;
  }
}

function isSame(file: Descriptor, path: string): boolean {
  const [opened, moved] = [fstatSync(file.fd), lstatSync(path)];
  return opened.ino === moved.ino && opened.dev === moved.dev && opened.nlink === 1;
}
