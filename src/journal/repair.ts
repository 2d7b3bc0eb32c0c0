import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Digest } from "../model/canonical.ts";
import { checkpointFile } from "./checkpoints.ts";
import { type Disk, syncFolder } from "./disk.ts";
import type { KeptFile } from "./kept.ts";
import type { Recording } from "./recording.ts";
import { blobFile, journalFile } from "./store.ts";

/** Something that a crash left unfinished and that was taken away. Nobody was ever told that it was on disk. */
export interface Repair {
  readonly kind: "entry" | "checkpoint" | "blob";
  readonly file: string;
  /** Where it began, in bytes. */
  readonly offset: number;
  readonly bytes: number;
}

/** Takes away what a crash left in a run's folder besides the torn entry, which `reopen` has cut off, and says what there was. */
export async function repair(
  disk: Disk,
  folder: string,
  found: { readonly recording: Recording; readonly kept: KeptFile | undefined },
): Promise<readonly Repair[]> {
  const { recording, kept } = found;
  const repairs: Repair[] = [];
  if (recording.torn > 0) {
    repairs.push({ kind: "entry", file: journalFile(folder), offset: recording.size, bytes: recording.torn });
  }
  if (kept !== undefined && kept.torn > 0) {
    const file = checkpointFile(folder);
    await cutOff(disk, file, kept.size);
    repairs.push({ kind: "checkpoint", file, offset: kept.size, bytes: kept.torn });
  }
  return [...repairs, ...(await removeBlobs(disk, folder, new Set(recording.blobs)))];
}

async function cutOff(disk: Disk, file: string, size: number): Promise<void> {
  const handle = await disk.open(file, "r+");
  try {
    await handle.truncate(size);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Blobs go to disk before the line that names them: after a crash some are named by none, or are not whole. */
async function removeBlobs(disk: Disk, folder: string, used: ReadonlySet<Digest>): Promise<readonly Repair[]> {
  const blobs = join(folder, "blobs");
  const named = new Set([...used].map((digest) => blobFile(folder, digest)));
  const repairs: Repair[] = [];
  for (const name of namesIn(blobs)) {
    const file = join(blobs, name);
    if (named.has(file)) continue;
    const bytes = statSync(file).size;
    await disk.unlink(file);
    repairs.push({ kind: "blob", file, offset: 0, bytes });
  }
  const [first] = repairs;
  if (first !== undefined) await syncFolder(disk, dirname(first.file));
  return repairs;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return [];
    throw cause;
  }
}
