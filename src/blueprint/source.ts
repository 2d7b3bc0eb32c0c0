import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { readFileAtMost } from "./bounded.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** No artifact is larger. */
const MAX_ARTIFACT_BYTES = 256 * 1024 * 1024;
const BUILTIN = "builtin:";

/** A folder below a root, and the way to it, part by part. No part is a link when something is read. */
export interface Place {
  readonly root: string;
  readonly parts: readonly string[];
}

/** Where sources are looked for: relative to a blueprint or manifest, or in Pinion's own installation. */
export interface Folders {
  readonly own: Place;
  readonly builtin: Place;
}

export type Contained =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly file: string }
  | { readonly kind: "absent"; readonly reason: string }
  /** Something is there that must not be read. */
  | { readonly kind: "refused"; readonly reason: string };

/** What a source names, or why it names nothing: absolute paths, `..`, backslashes and the like are refused, not resolved. */
export function locate(
  source: string,
  { own, builtin }: Folders,
): Place | { readonly kind: "refused"; readonly reason: string } {
  const isBuiltin = source.startsWith(BUILTIN);
  const path = isBuiltin ? source.slice(BUILTIN.length) : source;
  const parts = plainParts(path);
  if (parts === undefined) {
    const inside = isBuiltin ? "Pinion's installation" : "the folder of the file that names it";
    return { kind: "refused", reason: `the source ${JSON.stringify(source)} is not a plain path inside ${inside}` };
  }
  const base = isBuiltin ? builtin : own;
  return { root: base.root, parts: [...base.parts, ...parts] };
}

/** The parts of a relative path, or undefined when it has `..`, empty parts, backslashes or anything else to be resolved. */
export function plainParts(path: string): readonly string[] | undefined {
  const parts = path.split("/");
  const isPlain = (part: string): boolean => part !== "" && part !== "." && part !== ".." && !/[\\\p{Cc}]/u.test(part);
  return parts.every(isPlain) ? parts : undefined;
}

export function folderOf({ root, parts }: Place): Place {
  return { root, parts: parts.slice(0, -1) };
}

export function pathOf({ root, parts }: Place): string {
  return join(root, ...parts);
}

/**
 * Reads a regular file below a root, opening one component at a time through the handle of the folder before it
 * (`/proc/self/fd/<fd>/<name>`, `O_NOFOLLOW`), so that neither a link nor a renamed folder leads outside. Linux only.
 * A file of more than `limit` bytes is refused: without being read when the system says so, and otherwise when it turns out.
 */
export async function readContained(place: Place, limit: number = MAX_ARTIFACT_BYTES): Promise<Contained> {
  const file = pathOf(place);
  let folder: FileHandle | undefined;
  try {
    folder = await open(place.root, O_RDONLY | O_DIRECTORY);
    for (const [index, part] of place.parts.entries()) {
      const last = index === place.parts.length - 1;
      const flags = O_RDONLY | O_NOFOLLOW | (last ? O_NONBLOCK : O_DIRECTORY);
      const next: FileHandle = await open(`/proc/self/fd/${folder.fd}/${part}`, flags);
      await folder.close();
      folder = next;
    }
    const stat = await folder.stat();
    if (!stat.isFile()) return { kind: "refused", reason: `\`${file}\` is not a regular file` };
    if (stat.size > limit) {
      return { kind: "refused", reason: `\`${file}\` has ${stat.size} bytes, the limit is ${limit}` };
    }
    const bytes = await readFileAtMost(folder, stat.size, limit);
    if (bytes !== undefined) return { kind: "bytes", bytes, file };
    return { kind: "refused", reason: `\`${file}\` has more than ${limit} bytes, which is the limit` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return {
      kind: code === "ENOENT" ? "absent" : "refused",
      reason: `\`${file}\` ${REASONS[code] ?? `cannot be read (${code})`}`,
    };
  } finally {
    await folder?.close();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "may not be read",
  ELOOP: "is a symbolic link, which is not followed",
  ENOENT: "does not exist",
  ENOTDIR: "goes through a symbolic link or something else that is not a folder",
};
