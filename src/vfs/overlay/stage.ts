import {
  constants,
  copyFile,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";
import { Descriptor, descend, descendToParent } from "../walk.ts";
import { type Layer, sync } from "./layer.ts";
import type { Held } from "./tree.ts";

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const copy = promisify(copyFile);

/** What fills a new file. */
export type Filler = (file: Descriptor) => Promise<void>;

/** Creates a file, fills it and has it on disk, without its name. When anything fails it is gone. */
export async function createFile(
  at: { readonly folder: Descriptor; readonly name: string },
  executable: boolean,
  fill: Filler,
) {
  const path = at.folder.at(at.name);
  using file = new Descriptor(openSync(path, CREATE, executable ? 0o755 : 0o644));
  try {
    await fill(file);
    await sync(file.fd);
    return fstatSync(file.fd).size;
  } catch (error) {
    unlinkSync(path);
    throw error;
  }
}

export function filledWith(data: Uint8Array): Filler {
  return async (file) => {
    for (let done = 0; done < data.length; ) done += writeSync(file.fd, data, done);
  };
}

/** Copies an open file, as a clone where the file system has that. Nothing but the content comes along. */
export function copiedFrom(source: Descriptor): Filler {
  return async (file) => {
    const { mode } = fstatSync(file.fd);
    await copy(`/proc/self/fd/${source.fd}`, `/proc/self/fd/${file.fd}`, constants.COPYFILE_FICLONE);
    fchmodSync(file.fd, mode & 0o777);
  };
}

/**
 * Makes sure that the layer holds the directories above a path, and returns those whose entries changed. They stand for the
 * workspace's own and are no change of the run.
 */
export function makeAbove({ places, tree }: Layer, segments: readonly string[]): readonly (readonly string[])[] {
  const changed: string[][] = [];
  for (let length = 1; length < segments.length; length++) {
    const path = segments.slice(0, length);
    if (tree.get(path)?.held !== undefined) continue;
    const { parent, name } = descendToParent(places.upper.fd, path);
    using _ = parent;
    mkdirSync(parent.at(name), 0o755);
    tree.hold(path, { kind: "directory", size: 0 });
    changed.push(path.slice(0, -1));
  }
  return changed;
}

/** Moves what was staged to its place, where nothing or a file is. The directory above is on disk when it resolves. */
export async function moveIn(layer: Layer, staged: string, segments: readonly string[], held: Held): Promise<void> {
  const above = makeAbove(layer, segments);
  const { parent, name } = descendToParent(layer.places.upper.fd, segments);
  using _ = parent;
  renameSync(layer.places.staging.at(staged), parent.at(name));
  layer.tree.hold(segments, held);
  await layer.synced([sync(parent.fd), ...above.map((path) => syncDirectory(layer, path))]);
}

export async function syncDirectory({ places }: Layer, segments: readonly string[]): Promise<void> {
  using directory = descend(places.upper.fd, segments);
  await sync(directory.fd);
}
