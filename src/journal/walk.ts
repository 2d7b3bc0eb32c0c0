import { type Digest, digestOf } from "../model/canonical.ts";
import type { Entry } from "../model/entry.ts";
import { Chain } from "./chain.ts";
import { type JournalHeader, type Line, parseHeader, parseLine, sealedBody } from "./codec.ts";
import { DamagedError, type Place } from "./damage.ts";
import { Lines } from "./lines.ts";

/** An entry as it stands in a file. */
export interface RecordedEntry {
  readonly entry: Entry;
  /** Without its LF. */
  readonly line: string;
  /** sha256 of the line. */
  readonly digest: Digest;
}

/** A line, where it stands, and its length in bytes without its LF. */
export type Step = { readonly place: Place; readonly length: number } & (
  | ({ readonly type: "entry" } & RecordedEntry)
  | Exclude<Line, { type: "entry" }>
);

/** One pass over a file: every line parsed, every entry chained. */
export class Walk {
  readonly header: JournalHeader;
  /** Without its LF. */
  readonly headerLine: string;
  readonly chain: Chain;
  readonly #lines: Lines;
  readonly #blobs = new Set<Digest>();
  readonly #known: "verified" | undefined;
  #size: number;

  /**
   * Reads the header line. `verified`: all lines were found to be canonical before, and the caller compares the last digest with
   * the one of that time, which stands for every byte; so their form is not looked at again.
   */
  constructor(fd: number, file: string, known?: "verified") {
    this.#known = known;
    this.#lines = new Lines(fd, file);
    const { place } = this.#lines;
    const bytes = this.#lines.next() ?? new Uint8Array();
    this.header = parseHeader(bytes, place);
    this.headerLine = Buffer.from(bytes).toString();
    this.chain = new Chain(bytes);
    this.#size = bytes.length + 1;
  }

  /** Where the next line begins. */
  get place(): Place {
    return { ...this.#lines.place, seq: this.chain.count };
  }
  /** Bytes behind the last whole line. */
  get torn(): number {
    return this.#lines.torn;
  }
  /** Bytes up to the end of the last entry. */
  get size(): number {
    return this.#size;
  }
  /** What entries named so far, in order of first use. */
  get blobs(): readonly Digest[] {
    return [...this.#blobs];
  }

  /** Behind the last whole line once more: a file that is still written to has grown, or its torn end was cut off. */
  rewind(): void {
    this.#lines.rewind();
  }

  /** The next whole line. Throws `DamagedError` for one that was not written like that or does not follow. */
  next(): Step | undefined {
    const { place } = this;
    const bytes = this.#lines.next();
    if (bytes === undefined) return undefined;
    const { length } = bytes;
    const { text, line } = parseLine(bytes, place, { format: this.header.format, known: this.#known });
    if (line.type !== "entry") return { ...line, place, length };
    const digest = digestOf(bytes);
    this.chain.follow(line.entry, digest, place);
    const blob = line.entry.at === undefined ? undefined : sealedBody(line.entry.body)?.blob;
    if (blob !== undefined) this.#blobs.add(blob);
    this.#size = place.offset + length + 1;
    return { type: "entry", entry: line.entry, line: text, digest, place, length };
  }

  /** The next line, which must be an entry. Undefined at the end. */
  nextEntry(): RecordedEntry | undefined {
    const step = this.next();
    if (step !== undefined && step.type !== "entry")
      throw new DamagedError(step.place, "an entry", `a line \`${step.type}\``);
    return step;
  }
}
