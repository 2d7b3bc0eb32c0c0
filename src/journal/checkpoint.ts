import { canonicalJson, type Digest, isDigest } from "../model/canonical.ts";
import { isJsonObject, type Json } from "../model/json.ts";

/** Where a journal stood: what is signed. */
export interface Checkpoint {
  readonly run: string;
  /** How many entries there were. */
  readonly count: number;
  /** sha256 of the last one's line; of the header line when there was none. */
  readonly head: Digest;
  /** ms since the epoch: the time of the last input. */
  readonly at: number;
}

/** How checkpoints are made, and where they go besides the run's folder. */
export interface Checkpointing {
  /** A checkpoint follows so many entries at the latest, and one the end of every session. */
  readonly every: number;
  /** Absolute paths of files, which are appended to, and of folders, which get a file for each run. */
  readonly to: readonly string[];
  /** Signs canonical JSON. Answers one line without LF, which is canonical JSON. */
  sign(payload: string): string;
  /** What was signed in a line of that form, or undefined for another. Does not say by whom. */
  payloadOf(line: Json): string | undefined;
}

export function encodeCheckpoint({ run, count, head, at }: Checkpoint): string {
  return canonicalJson({ run, count, head, at });
}

/** Strict: undefined for whatever `encodeCheckpoint` would not have written. */
export function parseCheckpoint(payload: string): Checkpoint | undefined {
  let json: Json;
  try {
    json = JSON.parse(payload);
  } catch {
    return undefined;
  }
  if (!isJsonObject(json)) return undefined;
  const { run, count, head, at } = json;
  if (typeof run !== "string" || !isCount(count) || !isDigest(head) || !isCount(at)) return undefined;
  const checkpoint = { run, count, head, at };
  return encodeCheckpoint(checkpoint) === payload ? checkpoint : undefined;
}

function isCount(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
