import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Digest } from "../model/canonical.ts";
import type { Entry } from "../model/entry.ts";
import { InputError, PinionError, WorldError } from "../model/errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { type Disk, makeFolder, syncFolder, writeAll, writeWhole } from "./disk.ts";
import { type Lock, lock } from "./lock.ts";

export interface Pending {
  /** Without its LF. */
  readonly line: string;
  /** A sealed body that goes beside the journal, on disk before the line that names it. */
  readonly blob?: { readonly digest: Digest; readonly bytes: Uint8Array };
  /** Where the journal stands when this line is on disk. */
  readonly reached: Omit<Checkpoint, "run">;
}

export function journalFile(folder: string): string {
  return join(folder, "journal.jsonl");
}

export function blobFile(folder: string, digest: Digest): string {
  return join(folder, "blobs", digest.slice("sha256:".length));
}

/**
 * The append-only file of a run. What is appended waits in memory until `flush` writes it in one go and syncs once.
 * A write or sync that failed is never tried again: what the disk holds is then unknown, so the store is dead and
 * everything rejects with that same `WorldError`.
 */
export class Store {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #file: FileHandle;
  readonly #lock: Lock;
  readonly #onDurable: StoreOptions["onDurable"];
  #pending: Pending[] = [];
  #flushing: Promise<void> = Promise.resolve();
  #dead: PinionError | undefined;
  #hasBlobs = false;
  #checkpoints: { readonly of: Checkpoints; readonly run: string } | undefined;
  /** What is on disk of what this session appended. */
  #reached: Pending["reached"] | undefined;

  private constructor(options: StoreOptions, file: FileHandle, held: Lock) {
    this.#disk = options.disk;
    this.#folder = options.folder;
    this.#onDurable = options.onDurable;
    this.#file = file;
    this.#lock = held;
  }

  /** A new journal: folder of mode 700, file of mode 600, header on disk. Throws `InputError` when there is one already. */
  static async create(options: StoreOptions, header: string): Promise<Store> {
    const { disk, folder } = options;
    return world(folder, async () => {
      await makeFolder(disk, folder);
      return locked(folder, async (held) => {
        const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL;
        const file = await disk.open(journalFile(folder), flags, 0o600).catch((cause: unknown) => {
          throw isCode(cause, "EEXIST") ? exists(folder) : cause;
        });
        return closedOnError(file, async () => {
          await writeAll(file, Buffer.from(`${header}\n`));
          await file.sync();
          await syncFolder(disk, folder);
          await syncFolder(disk, dirname(folder));
          return new Store(options, file, held);
        });
      });
    });
  }

  /**
   * An existing journal, to go on at `size`: what stands behind is cut off. `size` is looked up under the lock, so
   * that no other writer adds to what was read.
   */
  static async reopen(options: StoreOptions, size: () => number): Promise<Store> {
    const { disk, folder } = options;
    return world(folder, async () =>
      locked(folder, async (held) => {
        const whole = size();
        const file = await disk.open(journalFile(folder), constants.O_WRONLY | constants.O_APPEND);
        return closedOnError(file, async () => {
          await file.truncate(whole);
          await file.sync();
          return new Store(options, file, held);
        });
      }),
    );
  }

  /** From here on, what is on disk gets checkpoints. One that cannot be written kills the store. */
  anchor(checkpoints: Checkpoints, run: string): void {
    this.#checkpoints = { of: checkpoints, run };
  }

  mustBeAlive(): void {
    if (this.#dead) throw this.#dead;
  }

  /** From here on everything rejects with this, as after a write that failed. */
  end(cause: PinionError): void {
    this.#dead ??= cause;
  }

  append(pending: Pending): void {
    this.mustBeAlive();
    this.#pending.push(pending);
  }

  /** Resolves when everything appended so far is on disk and was shown to `onDurable`. */
  flush(): Promise<void> {
    const flushed = this.#flushing.then(() => this.#flush());
    this.#flushing = flushed.catch(() => undefined); // who asked for it hears of it
    return flushed;
  }

  /** Flushes, makes the last checkpoint, and lets go of file and lock whether or not that worked. */
  async close(): Promise<void> {
    try {
      await this.flush();
      await this.#guarded(async () => this.#anchor("finish"));
    } finally {
      this.#dead ??= new WorldError({
        code: "journal-closed",
        message: `the journal in \`${this.#folder}\` is closed`,
      });
      try {
        await world(this.#folder, () => this.#file.close());
      } finally {
        this.#lock.release();
      }
    }
  }

  async #flush(): Promise<void> {
    if (this.#dead) throw this.#dead;
    const batch = this.#pending;
    if (batch.length === 0) return;
    this.#pending = [];
    await this.#guarded(async () => {
      for (const { blob } of batch) if (blob) await this.#writeBlob(blob.digest, blob.bytes);
      await writeAll(this.#file, Buffer.from(batch.map(({ line }) => `${line}\n`).join("")));
      await this.#file.datasync();
      this.#reached = batch.at(-1)?.reached;
    });
    this.#onDurable?.(batch.map(({ line }) => JSON.parse(line)));
    await this.#guarded(async () => this.#anchor("reached"));
  }

  /** Whatever fails in here, nothing is written any more. */
  async #guarded(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (cause) {
      this.#dead = notWritten(this.#folder, cause);
      throw this.#dead;
    }
  }

  async #anchor(when: "reached" | "finish"): Promise<void> {
    if (this.#checkpoints === undefined || this.#reached === undefined) return;
    const { of: checkpoints, run } = this.#checkpoints;
    await checkpoints[when]({ run, ...this.#reached });
  }

  async #writeBlob(digest: Digest, bytes: Uint8Array): Promise<void> {
    const path = blobFile(this.#folder, digest);
    if (!this.#hasBlobs) {
      await makeFolder(this.#disk, dirname(path));
      this.#hasBlobs = true;
    }
    await writeWhole(this.#disk, path, bytes);
  }
}

export interface StoreOptions {
  readonly disk: Disk;
  /** The run's folder. */
  readonly folder: string;
  /** Called with entries once they are on disk, in order. What it throws, `flush` throws. */
  readonly onDurable?: ((entries: readonly Entry[]) => void) | undefined;
}

async function locked<T>(folder: string, use: (held: Lock) => Promise<T>): Promise<T> {
  const held = lock(folder);
  try {
    return await use(held);
  } catch (error) {
    held.release();
    throw error;
  }
}

async function closedOnError<T>(file: FileHandle, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function world<T>(folder: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw notWritten(folder, error);
  }
}

/** What a failed write is reported as; errors of our own stay what they are. */
export function notWritten(folder: string, cause: unknown): PinionError {
  if (cause instanceof PinionError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new WorldError({
    code: "journal-not-written",
    message: `the journal in \`${folder}\` cannot be written: ${reason}`,
    hint: "see to the disk; then resume the run from what is there",
    cause,
  });
}

function exists(folder: string): InputError {
  return new InputError({
    code: "run-exists",
    message: `\`${folder}\` holds a journal already: expected the folder of a new run`,
  });
}

function isCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && "code" in cause && cause.code === code;
}
