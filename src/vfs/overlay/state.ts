import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { type BigIntStats, constants, fstatSync, openSync, readlinkSync, readSync } from "node:fs";
import type { Digest } from "../../model/canonical.ts";
import { ToolError } from "../../model/tool.ts";
import { Descriptor, kindOf, look, openRegular, toStat } from "../walk.ts";
import type { FileState } from "./overlay.ts";
import type { Before } from "./tree.ts";

/** Shared, since nobody else has a turn while a file is digested. */
const CHUNK = Buffer.allocUnsafeSlow(1024 * 1024);
export const NOTHING: FileState = { kind: "nothing" };

export function sameState(left: FileState, right: FileState): boolean {
  if (left.kind === "file" && right.kind === "file") {
    return left.digest === right.digest && left.executable === right.executable;
  }
  if (left.kind === "link" && right.kind === "link") return left.target === right.target;
  // `other` is compared with nothing, not with itself either.
  return left.kind === right.kind && left.kind !== "other";
}

export interface Seen extends Before {
  /** When a file or link changed last, in ns of the file system's time. */
  readonly changed?: bigint;
}

/**
 * What a name stands for, with its content. A file that changes while it is read is `other`. What looks as it did when it was
 * `known` is not read again.
 */
export function stateAt(parent: Descriptor, name: string, path: string, known?: Before): Seen {
  const stats = look(parent, name);
  if (stats === undefined) return { state: NOTHING };
  const { stamp } = toStat(stats);
  if (known?.stamp === stamp) return known;
  const kind = kindOf(stats);
  if (kind === "special") return { state: { kind: "other" } };
  if (kind === "directory") return { state: { kind } };
  if (kind === "link") return { state: linkState(parent, name), stamp, changed: stats.ctimeNs };
  try {
    const { file, stats: opened } = openRegular(parent, name, path);
    using _ = file;
    const state = fileState(file, opened);
    return state.kind === "file" ? { state, stamp: toStat(opened).stamp, changed: opened.ctimeNs } : { state };
  } catch (error) {
    // Another process was at it: what was there is not known.
    if (error instanceof ToolError && ["link", "not-found", "is-a-directory", "special-file"].includes(error.code)) {
      return { state: { kind: "other" } };
    }
    throw error;
  }
}

function linkState(parent: Descriptor, name: string): FileState {
  const target = readlinkSync(parent.at(name), { encoding: "buffer" });
  return isUtf8(target) ? { kind: "link", target: target.toString() } : { kind: "other" };
}

function fileState(file: Descriptor, stats: BigIntStats): FileState {
  const digest = digestOfFile(file);
  if (toStat(fstatSync(file.fd, { bigint: true })).stamp !== toStat(stats).stamp) return { kind: "other" };
  return { kind: "file", digest, size: Number(stats.size), executable: isExecutable(stats) };
}

export function isExecutable(stats: BigIntStats): boolean {
  return (stats.mode & 0o100n) !== 0n;
}

/** sha256 of an open file, without holding it in memory. */
export function digestOfFile(file: Descriptor): Digest {
  const hash = createHash("sha256");
  for (let offset = 0; ; ) {
    const count = readSync(file.fd, CHUNK, 0, CHUNK.length, offset);
    if (count === 0) return `sha256:${hash.digest("hex")}` as Digest;
    hash.update(CHUNK.subarray(0, count));
    offset += count;
  }
}

/** Opens a directory of the layer's own folder. */
export function openFolder(path: string): Descriptor {
  return new Descriptor(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW));
}
