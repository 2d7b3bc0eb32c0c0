import { constants, readFileSync } from "node:fs";
import { join } from "node:path";
import { DamagedError } from "../../journal/damage.ts";
import { realDisk, syncFolder, writeAll } from "../../journal/disk.ts";
import { WorldError } from "../../model/errors.ts";
import { decodeLine, encodeLine } from "../../vfs/overlay/log.ts";
import type { Change, Committed, FileState } from "../../vfs/overlay/overlay.ts";

/** A decision of a person about changes of a run, on disk before anything of it happens. */
export interface Decision {
  readonly action: "commit" | "discard";
  /** ms since the epoch. */
  readonly at: number;
  /** The user of this machine. */
  readonly by: string;
  /** Files that the workspace had changed since were to be replaced as well. */
  readonly overwrite: boolean;
  readonly workspace: string;
  readonly changes: readonly Decided[];
}
export interface Decided {
  readonly path: string;
  readonly before: FileState;
  readonly after: FileState;
}

/** A decision with what became of it. */
export interface PastDecision extends Decision {
  /** `interrupted`: its process died on the way; what was applied until then is known once somebody has decided again. */
  readonly outcome: "done" | "interrupted";
  /** Paths that were committed or forgotten. */
  readonly applied: readonly string[];
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
}

const LF = 10;
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;

/** Paths of what was applied and refused. */
interface Outcome {
  readonly interrupted: boolean;
  readonly applied: readonly string[];
  readonly refused: PastDecision["refused"];
}

/**
 * `history.jsonl` in the folder of an overlay: a line for a decision, and one for its outcome behind it, each with its checksum. Only the holder of
 * the run's lock appends. A last line without its line feed is what a crash left, and counts for nothing.
 */
export class History {
  readonly #file: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#file = join(folder, "history.jsonl");
  }

  /** The oldest first. Throws `DamagedError` for a line that is not what was written. */
  read(): readonly PastDecision[] {
    return this.#parse().decisions;
  }

  /** Ends the last decision if its process died: what the layer has no more of the chosen changes has happened. */
  async settle(changes: readonly Change[]): Promise<void> {
    const { decisions, open } = this.#parse();
    const last = decisions.at(-1);
    if (!open || last === undefined) return;
    const left = new Set(changes.map(({ path }) => path));
    const paths = last.changes.map(({ path }) => path);
    const reason = "interrupted before its turn";
    await this.#append({
      interrupted: true,
      applied: paths.filter((path) => !left.has(path)),
      refused: paths.filter((path) => left.has(path)).map((path) => ({ path, reason })),
    });
  }

  async begin(decision: Decision): Promise<void> {
    await this.#append(decision);
  }

  async end({ applied, refused }: Committed): Promise<void> {
    await this.#append({
      interrupted: false,
      applied: applied.map(({ path }) => path),
      refused: refused.map(({ change, reason }) => ({ path: change.path, reason })),
    });
  }

  /** `open`: the last decision has no outcome. */
  #parse(): { readonly decisions: readonly PastDecision[]; readonly open: boolean } {
    const decisions: PastDecision[] = [];
    let open = false;
    let offset = 0;
    const whole = this.#whole();
    for (let line = 1; offset < whole.length; line += 1) {
      const end = whole.indexOf(LF, offset);
      const value = decodeLine(whole.subarray(offset, end));
      const last = decisions.at(-1);
      if (!open && isDecision(value)) {
        decisions.push({ ...value, outcome: "interrupted", applied: [], refused: [] });
        open = true;
      } else if (open && last !== undefined && isOutcome(value)) {
        const { interrupted, applied, refused } = value;
        decisions[decisions.length - 1] = { ...last, outcome: interrupted ? "interrupted" : "done", applied, refused };
        open = false;
      } else {
        const place = { file: this.#file, line, offset };
        throw new DamagedError(place, "a decision, or the outcome of the one before", "something else");
      }
      offset = end + 1;
    }
    return { decisions, open };
  }

  /** Up to the last line feed. */
  #whole(): Buffer {
    const bytes = this.#bytes();
    return bytes.subarray(0, bytes.lastIndexOf(LF) + 1);
  }

  #bytes(): Buffer {
    try {
      return readFileSync(this.#file);
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return Buffer.alloc(0);
      throw this.#failed(cause);
    }
  }

  async #append(value: Decision | Outcome): Promise<void> {
    const end = this.#whole().length;
    try {
      const file = await realDisk.open(this.#file, APPEND, 0o600);
      try {
        await file.truncate(end);
        await writeAll(file, Buffer.from(encodeLine(value)));
        await file.sync();
      } finally {
        await file.close();
      }
      await syncFolder(realDisk, this.#folder);
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  #failed(cause: unknown): WorldError {
    return new WorldError({
      code: "history-unusable",
      message: `\`${this.#file}\` cannot be read or written: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: "nothing is committed or discarded without a record of it; look at the disk and try again",
      cause,
    });
  }
}

export function toDecided({ path, before, after }: Change): Decided {
  return { path, before, after };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDecision(value: unknown): value is Decision {
  if (!isRecord(value)) return false;
  const { action, at, by, overwrite, workspace, changes } = value;
  if (action !== "commit" && action !== "discard") return false;
  if (typeof at !== "number" || typeof by !== "string" || typeof overwrite !== "boolean") return false;
  return typeof workspace === "string" && Array.isArray(changes) && changes.every(isDecided);
}

function isDecided(value: unknown): value is Decided {
  return isRecord(value) && typeof value.path === "string" && isState(value.before) && isState(value.after);
}

function isState(value: unknown): value is FileState {
  return isRecord(value) && typeof value.kind === "string";
}

function isOutcome(value: unknown): value is Outcome {
  if (!isRecord(value) || typeof value.interrupted !== "boolean") return false;
  if (!Array.isArray(value.applied) || !Array.isArray(value.refused)) return false;
  const refusal = (one: unknown) => isRecord(one) && typeof one.path === "string" && typeof one.reason === "string";
  return value.applied.every((path) => typeof path === "string") && value.refused.every(refusal);
}
