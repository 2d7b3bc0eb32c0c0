import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { canonicalJson, type Digest } from "../model/canonical.ts";
import { InputError, IntegrityError } from "../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { type Checkpoint, type Checkpointing, parseCheckpoint } from "./checkpoint.ts";
import { DamagedError } from "./damage.ts";
import type { See } from "./recording.ts";

/** 100,000 checkpoints and more. */
const MAX_BYTES = 64 * 1024 * 1024;

/** A line of a file of checkpoints. */
export interface KeptLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** In bytes from 0. */
  readonly offset: number;
  /** Without LF. */
  readonly bytes: number;
  /** Undefined for what is no checkpoint. */
  readonly kept: Kept | undefined;
}

export interface Kept {
  readonly checkpoint: Checkpoint;
  /** The envelope. */
  readonly json: JsonObject;
}

export interface KeptFile {
  readonly file: string;
  readonly lines: readonly KeptLine[];
  /** Bytes behind the last LF: what a crash left of a line. */
  readonly torn: number;
  /** Bytes up to the last LF. */
  readonly size: number;
}

/**
 * The lines of a file of checkpoints; undefined when it is not there. Signatures are not looked at. Throws `InputError` when it
 * cannot be read, is no file, or is larger than 64 MiB.
 */
export function readCheckpoints(file: string, payloadOf: Checkpointing["payloadOf"]): KeptFile | undefined {
  const bytes = read(file);
  if (bytes === undefined) return undefined;
  const size = bytes.lastIndexOf("\n") + 1;
  const lines: KeptLine[] = [];
  for (let offset = 0, line = 1; offset < size; line += 1) {
    const end = bytes.indexOf("\n", offset);
    // A file of many runs has empty lines where two found a torn one at once.
    if (end > offset) {
      const text = bytes.toString("utf8", offset, end);
      lines.push({ file, line, offset, bytes: end - offset, kept: toKept(text, payloadOf) });
    }
    offset = end + 1;
  }
  return { file, lines, torn: bytes.length - size, size };
}

/** The checkpoint in an envelope, or undefined when it is none. */
export function checkpointIn(json: Json, payloadOf: Checkpointing["payloadOf"]): Checkpoint | undefined {
  const payload = payloadOf(json);
  return payload === undefined ? undefined : parseCheckpoint(payload);
}

/**
 * The newest checkpoint of a run's own file, undefined when there is none yet: every line must be one of this run, each of more
 * entries than the one before. Throws `DamagedError` otherwise.
 */
export function newestOf({ lines }: Pick<KeptFile, "lines">, run: string): Kept | undefined {
  let newest: Kept | undefined;
  for (const one of lines) {
    const { kept } = one;
    const place = { file: one.file, line: one.line, offset: one.offset };
    if (kept === undefined) throw new DamagedError(place, "a checkpoint", "something else");
    const { checkpoint } = kept;
    if (checkpoint.run !== run)
      throw new DamagedError(place, `a checkpoint of run \`${run}\``, `one of \`${checkpoint.run}\``);
    const before = newest?.checkpoint.count ?? -1;
    if (checkpoint.count <= before) {
      throw new DamagedError(place, `a checkpoint of more than ${before} entries`, `one of ${checkpoint.count}`);
    }
    newest = kept;
  }
  return newest;
}

/** What `openRecording` is to show, so that the heads of these checkpoints can be compared. */
export function headsOf(file: Pick<KeptFile, "lines"> | undefined): {
  readonly heads: Map<number, Digest>;
  readonly see: See;
} {
  const counts = new Set(file?.lines.map(({ kept }) => kept?.checkpoint.count));
  const heads = new Map<number, Digest>();
  const see: See = ({ entry, digest }) => {
    if (counts.has(entry.seq + 1)) heads.set(entry.seq + 1, digest);
  };
  return { heads, see };
}

/** Why a journal is not the one that a checkpoint was made of; undefined when it may be. `heads` must hold the checkpoint's count. */
export function contradiction(
  { count, head }: Checkpoint,
  journal: { readonly count: number; readonly heads: ReadonlyMap<number, Digest> },
): string | undefined {
  if (count > journal.count) {
    return `the checkpoint is of ${count} entries, the journal has ${journal.count}: its tail was cut off, or it is an older copy`;
  }
  const found = journal.heads.get(count);
  if (found === head) return undefined;
  return `the checkpoint of ${count} entries has the head \`${head}\`, the journal has \`${found}\` there: it was rewritten`;
}

/** A journal is not what a checkpoint says that it was. */
export function contradicted(file: string, why: string): IntegrityError {
  return new IntegrityError({
    code: "checkpoint-contradicts",
    message: `the journal contradicts its checkpoints in \`${file}\`: ${why}`,
    hint: "`pinion journal verify` shows how far the journal holds; take another copy",
  });
}

function toKept(text: string, payloadOf: Checkpointing["payloadOf"]): KeptLine["kept"] {
  let json: Json;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined; // reported with its place
  }
  const checkpoint = checkpointIn(json, payloadOf);
  if (checkpoint === undefined || !isJsonObject(json)) return undefined;
  return canonicalJson(json) === text ? { checkpoint, json } : undefined;
}

function read(file: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && ["ENOENT", "ENOTDIR"].includes(String(cause.code)))
      return undefined;
    throw unreadable(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
  try {
    const found = fstatSync(fd);
    if (!found.isFile()) throw unreadable(file, "it is no file");
    if (found.size > MAX_BYTES) throw unreadable(file, `it has ${found.size} bytes, expected at most ${MAX_BYTES}`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function unreadable(file: string, why: string, cause?: unknown): InputError {
  return new InputError({ code: "not-readable", message: `checkpoints in \`${file}\` cannot be read: ${why}`, cause });
}
