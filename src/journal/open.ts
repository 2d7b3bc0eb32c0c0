import { existsSync } from "node:fs";
import type { Entry } from "../model/entry.ts";
import { BugError, InputError } from "../model/errors.ts";
import type { JsonObject } from "../model/json.ts";
import type { Checkpointing } from "./checkpoint.ts";
import { Checkpoints, checkpointFile } from "./checkpoints.ts";
import { encodeHeader, FORMAT, type JournalHeader } from "./codec.ts";
import { type Disk, realDisk } from "./disk.ts";
import { RunJournal } from "./journal.ts";
import { contradicted, contradiction, headsOf, type KeptFile, newestOf, readCheckpoints } from "./kept.ts";
import { createRunKey, readRunKey, runKeyFile } from "./keys.ts";
import { Past } from "./past.ts";
import { Present } from "./present.ts";
import { openRecording, type Recording } from "./recording.ts";
import { type Repair, repair } from "./repair.ts";
import { KEY_BYTES, Seal } from "./seal.ts";
import { journalFile, notWritten, Store } from "./store.ts";

export interface LiveOptions {
  /** The run's folder: `journal.jsonl`, `blobs/`. */
  readonly folder: string;
  /** The folder of run keys. */
  readonly keys: string;
  /** ms since the epoch. */
  readonly clock: () => number;
  /** ms from any beginning, never going back: what counts as time that the run was worked on. */
  readonly monotonic: () => number;
  /** Cryptographically strong bytes. */
  readonly random: (bytes: number) => Uint8Array;
  /** Handed to everything that is performed. */
  readonly cancel: AbortSignal;
  /** Called with entries, in order, once they are on disk: the only ones that a surface may show. */
  readonly onDurable?: (entries: readonly Entry[]) => void;
  /** Signed heads of what is on disk; none are made where this is left out. */
  readonly checkpoints?: Checkpointing;
  /** For tests of disks that fail. */
  readonly disk?: Disk;
}

/**
 * The journal of a new run, its header and its key on disk. `header` needs `run` and `kernel`; the format is added.
 * Throws `InputError` when the folder has a journal or a writer already, `WorldError` when the disk fails.
 */
export async function createJournal(
  options: LiveOptions & { readonly header: JsonObject & { readonly run: string; readonly kernel: string } },
): Promise<RunJournal> {
  const { folder, keys, onDurable, checkpoints, disk = realDisk } = options;
  const header: JournalHeader = { ...options.header, format: FORMAT };
  const line = encodeHeader(header);
  const { run } = header;
  const anchored = checkpoints && (await prepared({ disk, folder, run, checkpoints, last: 0 }));
  const store = await Store.create({ disk, folder, onDurable }, line);
  try {
    const key = options.random(KEY_BYTES);
    await createRunKey(disk, runKeyFile(keys, run), key);
    if (anchored !== undefined) store.anchor(anchored, run);
    const seal = new Seal(key, run);
    return new RunJournal({ header: line, seal, present: new Present({ ...options, store, seal }) });
  } catch (error) {
    await store.close();
    throw error;
  }
}

export interface Resumed {
  readonly journal: RunJournal;
  readonly header: JournalHeader;
  /** What is on disk, good as long as the journal is open. */
  readonly recording: Recording;
  /** What a crash left unfinished and was taken away; nobody was told that it was on disk. */
  readonly repairs: readonly Repair[];
}

/**
 * The journal of an interrupted run: what is recorded is compared and answered from the record, then it goes on live
 * in the same file. Throws `InputError` when there is no such run, it has ended, its key is gone, or it has a writer;
 * `DamagedError` when the journal is damaged anywhere but in a torn last record, `IntegrityError` when it is not the one
 * that its checkpoints were made of.
 */
export async function resumeJournal(
  options: LiveOptions & {
    /** Called with every entry that is on disk already, in order, before anything else happens. */
    readonly onRecorded?: (entry: Entry) => void;
  },
): Promise<Resumed> {
  const { folder, keys, onDurable, onRecorded, checkpoints, disk = realDisk } = options;
  if (!existsSync(journalFile(folder))) {
    throw new InputError({
      code: "no-such-run",
      message: `there is no journal in \`${folder}\``,
      hint: "`pinion run list` names the runs that there are",
    });
  }
  const opened: { recording?: Recording; seal?: Seal; kept?: KeptFile; last?: number } = {};
  const store = await Store.reopen({ disk, folder, onDurable }, () => {
    const kept = checkpoints && readCheckpoints(checkpointFile(folder), checkpoints.payloadOf);
    const { heads, see } = headsOf(kept);
    const recording = openRecording(folder, (entry) => {
      see(entry);
      onRecorded?.(entry.entry);
    });
    opened.recording = recording;
    const newest = kept && newestOf(kept, recording.header.run);
    const why = newest && contradiction(newest.checkpoint, { count: recording.count, heads });
    if (why !== undefined) throw contradicted(checkpointFile(folder), why);
    if (kept !== undefined) opened.kept = kept;
    opened.last = newest?.checkpoint.count ?? 0;
    opened.seal = sealToResume(recording, keys);
    return recording.size;
  }).catch((error: unknown) => {
    opened.recording?.close();
    throw error;
  });
  const { recording, seal } = opened;
  if (recording === undefined || seal === undefined)
    throw new BugError({ code: "not-read", message: "the journal was reopened unread" });
  const { run } = recording.header;
  let repairs: readonly Repair[];
  try {
    repairs = await repair(disk, folder, { recording, kept: opened.kept });
    if (checkpoints !== undefined) {
      store.anchor(await prepared({ disk, folder, run, checkpoints, last: opened.last ?? 0 }), run);
    }
  } catch (error) {
    recording.close();
    await store.close();
    throw notWritten(folder, error);
  }
  const past = new Past(recording, seal);
  const journal = new RunJournal({
    header: recording.headerLine,
    past,
    seal,
    present: new Present({ ...options, store, seal }),
  });
  return { journal, header: recording.header, recording, repairs };
}

/**
 * A journal that answers from a recording and never reaches for the world. Without the run key, what is sealed stays
 * sealed. Takes over the recording: `close` closes it.
 */
export function replayJournal(recording: Recording, key: Uint8Array | undefined): RunJournal {
  const seal = key && new Seal(key, recording.header.run);
  return new RunJournal({ header: recording.headerLine, past: new Past(recording, seal), ...(seal ? { seal } : {}) });
}

/** Checkpoints, and every place tried that they are to go to. Throws `WorldError` when one cannot be written. */
async function prepared({
  checkpoints,
  run,
  ...at
}: {
  readonly disk: Disk;
  readonly folder: string;
  readonly run: string;
  readonly checkpoints: Checkpointing;
  readonly last: number;
}): Promise<Checkpoints> {
  const made = new Checkpoints({ ...at, ...checkpoints });
  await made.prepare(run);
  return made;
}

function sealToResume({ header, complete }: Recording, keys: string): Seal {
  if (complete)
    throw new InputError({ code: "run-ended", message: `run \`${header.run}\` has ended: there is nothing to resume` });
  const file = runKeyFile(keys, header.run);
  const key = readRunKey(file);
  if (key === undefined) {
    throw new InputError({
      code: "no-run-key",
      message: `run \`${header.run}\` cannot be resumed: its key \`${file}\` is gone`,
    });
  }
  return new Seal(key, header.run);
}
