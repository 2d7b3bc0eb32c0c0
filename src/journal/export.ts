import type { FileHandle } from "node:fs/promises";
import { canonicalJson, type Digest } from "../model/canonical.ts";
import { PinionError, WorldError } from "../model/errors.ts";
import type { JsonObject } from "../model/json.ts";
import type { Checkpointing } from "./checkpoint.ts";
import { checkpointFile } from "./checkpoints.ts";
import { type Disk, realDisk, replaceWhole, writeAll } from "./disk.ts";
import { contradicted, contradiction, headsOf, newestOf, readCheckpoints } from "./kept.ts";
import { openRecording, type Recording } from "./recording.ts";

const BATCH = 1024 * 1024;

/** What was exported. */
export interface Exported {
  readonly count: number;
  readonly head: Digest;
  readonly blobs: number;
  /** Whether the run had ended; an export of an unfinished run replays to its last entry and says `incomplete`. */
  readonly complete: boolean;
}

export interface ExportOptions {
  /** What a checkpoint says, by its line: with it, the newest one goes into the end marker. */
  readonly payloadOf?: Checkpointing["payloadOf"];
  /** For tests of disks that fail. */
  readonly disk?: Disk;
}

/**
 * Writes a run's folder as one file: header, entries, blobs in order of first use, end marker. The file is on disk as
 * a whole or not at all, with mode 600. Verifies what it reads: throws `DamagedError` for a damaged journal,
 * `IntegrityError` for a damaged blob and a journal that contradicts its checkpoints, `WorldError` when the file cannot be written.
 */
export async function exportRecording(folder: string, file: string, options: ExportOptions = {}): Promise<Exported> {
  const { disk = realDisk, payloadOf } = options;
  const kept = payloadOf && readCheckpoints(checkpointFile(folder), payloadOf);
  const { heads, see } = headsOf(kept);
  const recording = openRecording(folder, see);
  try {
    const newest = kept && newestOf(kept, recording.header.run);
    const why = newest && contradiction(newest.checkpoint, { count: recording.count, heads });
    if (why !== undefined) throw contradicted(checkpointFile(folder), why);
    await replaceWhole(disk, file, (handle) => writeLines(handle, linesOf(recording, newest?.json)));
  } catch (cause) {
    if (cause instanceof PinionError) throw cause;
    const message = `the recording \`${file}\` cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new WorldError({ code: "recording-not-written", message, cause });
  } finally {
    recording.close();
  }
  const { count, head, blobs, complete } = recording;
  return { count, head, blobs: blobs.length, complete };
}

function* linesOf(recording: Recording, checkpoint: JsonObject | undefined): Generator<string, void> {
  yield recording.headerLine;
  for (const { line } of recording.entries()) yield line;
  for (const blob of recording.blobs) {
    yield canonicalJson({ blob, data: Buffer.from(recording.blob(blob)).toString("base64") });
  }
  const { count, head, blobs } = recording;
  yield canonicalJson({ end: true, count, head, blobs: blobs.length, checkpoint });
}

async function writeLines(handle: FileHandle, lines: Iterable<string>): Promise<void> {
  let batch = "";
  for (const line of lines) {
    batch += `${line}\n`;
    if (batch.length < BATCH) continue;
    await writeAll(handle, Buffer.from(batch));
    batch = "";
  }
  await writeAll(handle, Buffer.from(batch));
}
