import { constants } from "node:fs";
import { dirname, join } from "node:path";
import { WorldError } from "../model/errors.ts";
import { type Checkpoint, type Checkpointing, encodeCheckpoint } from "./checkpoint.ts";
import { type Disk, syncFolder, writeAll } from "./disk.ts";

const LF = 10;

export function checkpointFile(folder: string): string {
  return join(folder, "checkpoints.jsonl");
}

/**
 * Appends signed checkpoints of one run to its folder and to every place elsewhere. A checkpoint is made of entries that are on
 * disk, and is on disk everywhere when the call that made it resolves. What fails, rejects, and is not tried again.
 */
export class Checkpoints {
  readonly #disk: Disk;
  readonly #options: Checkpointing;
  readonly #folder: string;
  #last: number;

  /** `last`: entries that the newest checkpoint covers. */
  constructor(parts: { readonly disk: Disk; readonly folder: string; readonly last: number } & Checkpointing) {
    this.#disk = parts.disk;
    this.#options = parts;
    this.#folder = parts.folder;
    this.#last = parts.last;
  }

  /** Tries every place elsewhere, so that a run does not begin whose checkpoints could not be written. */
  async prepare(run: string): Promise<void> {
    for (const place of this.#options.to) await this.#append(place, run, undefined);
  }

  /** So much is on disk now: a checkpoint of it, if it is time for one. */
  async reached(checkpoint: Checkpoint): Promise<void> {
    if (checkpoint.count - this.#last >= this.#options.every) await this.#write(checkpoint);
  }

  /** The session ends here: a checkpoint of what none covers yet. */
  async finish(checkpoint: Checkpoint): Promise<void> {
    if (checkpoint.count > this.#last) await this.#write(checkpoint);
  }

  async #write(checkpoint: Checkpoint): Promise<void> {
    this.#last = checkpoint.count;
    const line = this.#options.sign(encodeCheckpoint(checkpoint));
    const own = checkpointFile(this.#folder);
    await writing(own, () => appending(this.#disk, own, line));
    for (const place of this.#options.to) await this.#append(place, checkpoint.run, line);
  }

  async #append(place: string, run: string, line: string | undefined): Promise<void> {
    await writing(place, async () => appending(this.#disk, await fileOf(this.#disk, place, run), line));
  }
}

/** A folder has a file for each run, named after it; everything else is a file of many runs. */
async function fileOf(disk: Disk, place: string, run: string): Promise<string> {
  const found = await disk.stat(place).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT" && !place.endsWith("/")) return undefined;
    throw cause;
  });
  return found?.isDirectory() === true ? join(place, `${run}.checkpoints.jsonl`) : place;
}

/** Where a place cannot be had. Throws `WorldError`. */
async function writing(place: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    throw new WorldError({
      code: "checkpoint-not-written",
      message: `checkpoints cannot be written to \`${place}\`: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: "see to that place, or take it out of the configuration; then start the run, or resume it from what is there",
      cause,
    });
  }
}

/** Opens a file for appending, creates it where its folder is there, and appends a line, which is then on disk. */
async function appending(disk: Disk, path: string, line: string | undefined): Promise<void> {
  const { O_RDWR, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  const file = await disk.open(path, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK, 0o600);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Error(`\`${path}\` is not a file`);
    if (line === undefined) return;
    const last = Buffer.alloc(1, LF);
    if (found.size > 0) await file.read(last, 0, 1, found.size - 1);
    // What another run was killed over stands in a line of its own.
    await writeAll(file, Buffer.from(last[0] === LF ? `${line}\n` : `\n${line}\n`));
    await file.datasync();
    if (found.size === 0) await syncFolder(disk, dirname(path));
  } finally {
    await file.close();
  }
}
