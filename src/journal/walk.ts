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
  readonly #heads = new Map<number, Digest>();
  readonly #counts: ReadonlySet<number>;
  #size: number;

  /** Reads the header line. `counts`: of how many entries the `heads` are kept. */
  constructor(fd: number, file: string, counts: ReadonlySet<number> = new Set()) {
    this.#counts = counts;
    this.#lines = new Lines(fd, file);
    const { place } = this.#lines;
    const bytes = this.#lines.next() ?? new Uint8Array();
    this.header = parseHeader(bytes, place);
    this.headerLine = Buffer.from(bytes).toString();
    this.chain = new Chain(bytes);
    this.#size = bytes.length + 1;
    this.#note();
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

  /** sha256 of the last of so many entries, for the counts that were asked for. */
  get heads(): ReadonlyMap<number, Digest> {
    return this.#heads;
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
    const { text, line } = parseLine(bytes, place, this.header.format);
    if (line.type !== "entry") return { ...line, place, length };
    const digest = digestOf(bytes);
    this.chain.follow(line.entry, digest, place);
    const blob = line.entry.at === undefined ? undefined : sealedBody(line.entry.body)?.blob;
    if (blob !== undefined) this.#blobs.add(blob);
    this.#size = place.offset + length + 1;
    this.#note();
    return { type: "entry", entry: line.entry, line: text, digest, place, length };
  }

  #note(): void {
    const { count, head } = this.chain;
    if (this.#counts.has(count)) this.#heads.set(count, head);
  }

  /** The next line, which must be an entry. Undefined at the end. */
  nextEntry(): RecordedEntry | undefined {
    const step = this.next();
    if (step !== undefined && step.type !== "entry")
      throw new DamagedError(step.place, "an entry", `a line \`${step.type}\``);
    return step;
  }
}
