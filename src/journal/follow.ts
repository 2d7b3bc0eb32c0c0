import { closeSync, constants, fdatasync, fstatSync, openSync, watch } from "node:fs";
import { promisify } from "node:util";
import { InputError } from "../model/errors.ts";
import { DamagedError } from "./damage.ts";
import { journalFile } from "./store.ts";
import { type RecordedEntry, Walk } from "./walk.ts";

const sync = promisify(fdatasync);
/** How many entries are verified before they are handed on. */
const BATCH = 500;

/** Reads a journal that another process may be writing, from its first entry on, verifying every line and skipping none. */
export class Follower {
  readonly #file: string;
  readonly #fd: number;
  readonly #walk: Walk;

  /** Throws `InputError` where there is no journal, or not even its first line. */
  constructor(folder: string) {
    this.#file = journalFile(folder);
    this.#fd = openToRead(this.#file);
    try {
      this.#walk = new Walk(this.#fd, this.#file);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  get header(): Walk["header"] {
    return this.#walk.header;
  }
  /** Whether `check.end` was read: nothing follows. */
  get ended(): boolean {
    return this.#walk.chain.ended;
  }

  /**
   * The whole entries that have been added since the last time, once they are on disk: a line that a power failure could
   * still take back is nobody's news. Throws `DamagedError` for anything else than more of the same journal.
   */
  async *entries(): AsyncGenerator<RecordedEntry, void> {
    const { size } = fstatSync(this.#fd);
    if (size < this.#walk.size) {
      throw new DamagedError(this.#walk.place, `${this.#walk.size} bytes as before`, `${size}`);
    }
    this.#walk.rewind();
    for (let more = true; more; ) {
      const batch: RecordedEntry[] = [];
      while (batch.length < BATCH) {
        const entry = this.#walk.nextEntry();
        if (entry === undefined) break;
        batch.push(entry);
      }
      more = batch.length === BATCH;
      if (batch.length > 0) await sync(this.#fd);
      yield* batch;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Tells when something happens in a run's folder. */
export interface FolderWatch {
  /**
   * Resolves after the next change since the last call, when `signal` is aborted, or after `ms`: a process that is killed
   * changes nothing.
   */
  changed(ms: number, signal?: AbortSignal): Promise<void>;
  close(): void;
}

/** A machine that has no more inotify watches is asked every `ms` instead. */
export function watchFolder(folder: string): FolderWatch {
  let dirty = true;
  let wake = (): void => undefined;
  const touched = (): void => {
    dirty = true;
    wake();
  };
  const watcher = tryWatch(folder, touched);
  return {
    async changed(ms, signal) {
      if (!dirty && signal?.aborted !== true) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(() => wake(), ms);
          wake = () => {
            clearTimeout(timer);
            signal?.removeEventListener("abort", wake);
            resolve();
          };
          signal?.addEventListener("abort", wake);
        });
      }
      dirty = false;
    },
    close: () => watcher?.close(),
  };
}

function tryWatch(folder: string, touched: () => void): { close(): void } | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, touched);
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ENOSPC" || code === "EMFILE" || code === "ENOENT") return undefined;
    throw cause;
  }
}

function openToRead(file: string): number {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const message = `\`${file}\` cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new InputError({ code: "not-readable", message, cause });
  }
}
