import { hash } from "node:crypto";
import { closeSync, constants, fdatasync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { canonicalJson, isDigest } from "../../model/canonical.ts";
import { InputError, IntegrityError } from "../../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../model/json.ts";
import { ToolError } from "../../model/tool.ts";
import { formatPath, parsePath } from "../path.ts";
import type { FileState } from "./overlay.ts";
import type { Tree } from "./tree.ts";

const FORMAT = "pinion-layer/1";
const datasync = promisify(fdatasync);

/**
 * What is said about a path. `before` counts when there is none yet; `hidden` when it comes last. `forget` takes `before` back.
 */
export type Line =
  | { readonly path: string; readonly before: FileState; readonly stamp?: string }
  | { readonly path: string; readonly hidden: boolean }
  | { readonly path: string; readonly forget: true }
  | { readonly path: string; readonly replacing: true };

/** Takes a line into the index. Doing it twice is doing it once. */
export function applyLine(tree: Tree, line: Line): void {
  const path = parsePath(line.path);
  const spot = tree.ensure(path);
  if ("before" in line) {
    spot.before ??= { state: line.before, ...(line.stamp === undefined ? {} : { stamp: line.stamp }) };
  } else if ("hidden" in line) {
    spot.hidden = line.hidden;
  } else if ("replacing" in line) {
    spot.replacing = true;
  } else {
    delete spot.before;
    spot.replacing = false;
  }
  tree.prune(path);
}

/**
 * The append-only log of a layer: one JSON object a line, each with a checksum. A last line without its LF was being written
 * when the process ended; everything else that is not as it was written is damage.
 */
export class Log {
  readonly #fd: number;
  /** Bytes that are known to be good. */
  #size: number;

  private constructor(fd: number, size: number) {
    this.#fd = fd;
    this.#size = size;
  }

  /** Opens the log for appending behind `size` bytes, which is 0 for a new one. */
  static open(path: string, size: number): Log {
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    ftruncateSync(fd, size);
    const log = new Log(fd, size);
    if (size === 0) log.#write([{ format: FORMAT }]);
    return log;
  }

  /** Writes a whole log anew, durably but for its name. */
  static write(path: string, lines: readonly Line[]): void {
    const log = Log.open(path, 0);
    try {
      log.note(lines);
      fsyncSync(log.#fd);
    } finally {
      log.close();
    }
  }

  /** On disk when it resolves. Rejects with `Unsynced`, or with what kept the lines from being written: then the log is as it was. */
  async append(lines: readonly Line[]): Promise<void> {
    if (lines.length === 0) return;
    this.#write(lines);
    await datasync(this.#fd).catch((cause: unknown) => {
      throw new Unsynced(cause);
    });
  }

  /** Appends without waiting for the disk: for what may be lost. */
  note(lines: readonly Line[]): void {
    if (lines.length > 0) this.#write(lines);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #write(lines: readonly JsonObject[]): void {
    const bytes = Buffer.from(lines.map(encodeLine).join(""));
    try {
      for (let done = 0; done < bytes.length; ) {
        done += writeSync(this.#fd, bytes, done, bytes.length - done, this.#size + done);
      }
    } catch (error) {
      ftruncateSync(this.#fd, this.#size);
      throw error;
    }
    this.#size += bytes.length;
  }
}

/** Whether lines that were written are on disk is not known, also when there was no room for them. */
export class Unsynced extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** One line with its checksum and its line feed. */
export function encodeLine(line: object): string {
  const is = canonicalJson(line);
  return `{"is":${is},"sum":"${sumOf(is)}"}\n`;
}

function sumOf(canonical: string): string {
  return hash("sha256", canonical, "hex").slice(0, 16);
}

/** Everything that a log needs to say for the index to be what it is. */
export function linesOf(tree: Tree): readonly Line[] {
  const lines: Line[] = [];
  for (const { path, spot } of tree.below([])) {
    const line = { path: formatPath(path) };
    if (spot.before !== undefined) {
      const { state, stamp } = spot.before;
      lines.push({ ...line, before: state, ...(stamp === undefined ? {} : { stamp }) });
    }
    if (spot.replacing) lines.push({ ...line, replacing: true });
    if (spot.hidden) lines.push({ ...line, hidden: true });
  }
  return lines;
}

/** Reads a whole log: its lines, and how many bytes they take; what stands behind is a torn last line. */
export function readLog(path: string): { readonly lines: readonly Line[]; readonly size: number } {
  const bytes = readFileSync(path);
  const lines: Line[] = [];
  let offset = 0;
  for (let number = 1, end = bytes.indexOf(10); end !== -1; number++, end = bytes.indexOf(10, offset)) {
    const text = bytes.subarray(offset, end);
    const json = decodeLine(text);
    const where = `line ${number}, byte ${offset}`;
    if (number === 1) requireFormat(json, path);
    else lines.push(toLine(json) ?? damaged(path, where, text));
    offset = end + 1;
  }
  return { lines, size: offset };
}

function requireFormat(json: JsonObject | undefined, path: string): void {
  if (json?.format === FORMAT) return;
  if (typeof json?.format !== "string") damaged(path, "line 1, byte 0", Buffer.from(JSON.stringify(json ?? null)));
  throw new InputError({
    code: "unsupported-format",
    message: `\`${path}\` has the format \`${json.format}\`, expected \`${FORMAT}\`: use the version that wrote it`,
  });
}

function damaged(path: string, where: string, text: Uint8Array): never {
  throw new IntegrityError({
    code: "layer-damaged",
    message: `\`${path}\` is damaged at ${where}: expected a line with its checksum, found \`${Buffer.from(text).toString().slice(0, 120)}\``,
    hint: "what the run changed cannot be told from it; the files themselves are in the folder `upper` beside it",
  });
}

/** What was encoded, from a line without its line feed; undefined where that is not as it was written. */
export function decodeLine(text: Buffer): JsonObject | undefined {
  try {
    const json: Json = JSON.parse(text.toString());
    if (!isJsonObject(json) || !isJsonObject(json.is)) return undefined;
    return Buffer.from(encodeLine(json.is)).subarray(0, -1).equals(text) ? json.is : undefined;
  } catch {
    return undefined; // the caller reports it with its place
  }
}

/** A line of an intact log or plan, undefined for what is none. */
export function toLine(json: Json | undefined): Line | undefined {
  if (!isJsonObject(json) || typeof json.path !== "string" || !isPath(json.path)) return undefined;
  const { path, before, stamp, hidden, forget, replacing } = json;
  if (typeof hidden === "boolean") return { path, hidden };
  if (forget === true) return { path, forget };
  if (replacing === true) return { path, replacing };
  const state = toState(before);
  if (state === undefined || (stamp !== undefined && typeof stamp !== "string")) return undefined;
  return { path, before: state, ...(stamp === undefined ? {} : { stamp }) };
}

function isPath(path: string): boolean {
  try {
    return parsePath(path).length > 0;
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
}

function toState(json: Json | undefined): FileState | undefined {
  if (!isJsonObject(json)) return undefined;
  const { kind, digest, size, executable, target } = json;
  if (kind === "nothing" || kind === "directory" || kind === "other") return { kind };
  if (kind === "link" && typeof target === "string") return { kind, target };
  if (kind !== "file" || !isDigest(digest) || typeof size !== "number" || typeof executable !== "boolean") {
    return undefined;
  }
  return { kind, digest, size, executable };
}
