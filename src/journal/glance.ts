import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { Entry, EntryKind } from "../model/entry.ts";
import { isJsonObject } from "../model/json.ts";
import { RUN_STATES, type RunState } from "../model/phase.ts";
import { type JournalHeader, parseHeader, parseLine } from "./codec.ts";
import { DamagedError } from "./damage.ts";
import { Lines } from "./lines.ts";
import { journalFile } from "./store.ts";

const TAIL = 64 * 1024;
const LF = 10;

/** What the beginning and the end of a journal say. */
export interface Glance {
  readonly header: JournalHeader;
  /** ms since the epoch; null before the first entry. */
  readonly startedAt: number | null;
  readonly state: RunState;
  readonly reason: string;
  readonly step: number;
  /** A hook kept the run from becoming what it was to become, and nothing has happened since. */
  readonly vetoed: boolean;
}

/**
 * Looks at both ends of a journal without reading what is between, so it costs the same for long ones. Only the lines that it
 * uses are parsed, and the chain is not verified: good for a list, not for a decision. Undefined where not even the header
 * is whole; throws `DamagedError` or `InputError` for lines that no journal has.
 */
export function glanceAt(folder: string): Glance | undefined {
  const file = journalFile(folder);
  const fd = open(file);
  if (fd === undefined) return undefined;
  try {
    const lines = new Lines(fd, file);
    const first = lines.next();
    if (first === undefined) return undefined;
    const header = parseHeader(first, { file, line: 1, offset: 0 });
    const from = lines.place.offset;
    const start = lines.next();
    const startedAt = start === undefined ? null : (entryIn(start, file, from)?.at ?? null);
    const end = new End(fd, file, from);
    const boundary = end.last("check.boundary");
    const change = end.last("check.state")?.body ?? {};
    const { step, phase, decision } = boundary?.body ?? {};
    return {
      header,
      startedAt,
      state: RUN_STATES.find((state) => state === change.to) ?? "pending",
      reason: typeof change.reason === "string" ? change.reason : "",
      step: typeof step === "number" ? step : 0,
      vetoed: phase === "state-transition" && decision === "block",
    };
  } finally {
    closeSync(fd);
  }
}

/** The end of a journal, read backwards as far as it is needed. */
class End {
  readonly #fd: number;
  readonly #file: string;
  readonly #from: number;
  readonly #size: number;
  #window: Buffer;

  /** `from` is where the first entry begins. */
  constructor(fd: number, file: string, from: number) {
    this.#fd = fd;
    this.#file = file;
    this.#from = from;
    this.#size = fstatSync(fd).size;
    this.#window = this.#read(TAIL);
    const end = this.#window.lastIndexOf(LF);
    const begin = end < 1 ? 0 : this.#window.lastIndexOf(LF, end - 1) + 1;
    // The last whole line must be one; what stands before is read by who looks for it.
    if (end > 0 && begin > 0) this.#entry(begin, end);
  }

  /** The last entry of a kind. */
  last(kind: EntryKind): Entry | undefined {
    const mark = Buffer.from(`"kind":"${kind}"`);
    for (;;) {
      for (let at = this.#window.lastIndexOf(mark); at >= 0; at = this.#before(mark, at)) {
        const begin = this.#window.lastIndexOf(LF, at) + 1;
        const end = this.#window.indexOf(LF, at);
        if (end < 0 || (begin === 0 && !this.#isWhole)) continue;
        const entry = this.#entry(begin, end);
        // The same text may stand inside the body of another entry.
        if (entry?.kind === kind) return entry;
      }
      if (this.#isWhole) return undefined;
      this.#window = this.#read(this.#window.length * 4);
    }
  }

  get #isWhole(): boolean {
    return this.#window.length >= this.#size - this.#from;
  }

  #before(mark: Buffer, at: number): number {
    return at === 0 ? -1 : this.#window.lastIndexOf(mark, at - 1);
  }

  #entry(begin: number, end: number): Entry | undefined {
    return entryIn(this.#window.subarray(begin, end), this.#file, this.#size - this.#window.length + begin);
  }

  #read(length: number): Buffer {
    const wanted = Math.max(0, Math.min(length, this.#size - this.#from));
    const bytes = Buffer.allocUnsafe(wanted);
    return bytes.subarray(0, readSync(this.#fd, bytes, 0, wanted, this.#size - wanted));
  }
}

function entryIn(bytes: Uint8Array, file: string, offset: number): Entry | undefined {
  const place = { file, line: 0, offset };
  const { line } = parseLine(bytes, place);
  if (line.type !== "entry") throw new DamagedError(place, "an entry", `a line \`${line.type}\``);
  return isJsonObject(line.entry.body) ? line.entry : undefined;
}

function open(file: string): number | undefined {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw cause;
  }
}
