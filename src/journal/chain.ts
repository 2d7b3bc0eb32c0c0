import { type Digest, digestOf } from "../model/canonical.ts";
import type { Entry, EntryKind, Receipt } from "../model/entry.ts";
import { encodeEntry } from "./codec.ts";
import { DamagedError, type Place } from "./damage.ts";

/** Of an input: the members `at` and `ran` of its entry. */
export interface Times {
  readonly at: number;
  readonly ran: number;
}

/** Where a journal stands: how many entries it has, the digest of its last line, the times of its last input. */
export class Chain {
  #count = 0;
  #head: Digest;
  #at = 0;
  #ran = 0;
  #ended = false;

  /** `header` is the header line without its LF. */
  constructor(header: Uint8Array | string) {
    this.#head = digestOf(header);
  }

  get count(): number {
    return this.#count;
  }
  /** sha256 of the last entry's line; before the first entry, of the header line. */
  get head(): Digest {
    return this.#head;
  }
  /** ms since the epoch of the last input, 0 before the first. */
  get at(): number {
    return this.#at;
  }
  /** ms that the run had been worked on at the last input, 0 before the first. */
  get ran(): number {
    return this.#ran;
  }
  /** Whether the last entry is `check.end`. */
  get ended(): boolean {
    return this.#ended;
  }

  /** What the next entry would be and its line. `body` is canonical JSON. Nothing changes until `add`. */
  next(kind: EntryKind, body: string, times?: Times): { readonly entry: Omit<Entry, "body">; readonly line: string } {
    const entry = { seq: this.#count, kind, prev: this.#head, ...times };
    return { entry, line: encodeEntry(entry, body) };
  }

  add(entry: Omit<Entry, "body">, digest: Digest): Receipt {
    this.#count = entry.seq + 1;
    this.#head = digest;
    this.#at = entry.at ?? this.#at;
    this.#ran = entry.ran ?? this.#ran;
    this.#ended = entry.kind === "check.end";
    return { seq: entry.seq, entry: digest };
  }

  /** Adds an entry that was read. Throws `DamagedError` when it does not follow the last one. */
  follow(entry: Entry, digest: Digest, place: Place): void {
    if (this.#ended) throw new DamagedError(place, "nothing after `check.end`", `\`${entry.kind}\``);
    if (entry.seq !== this.#count) throw new DamagedError(place, `seq ${this.#count}`, `seq ${entry.seq}`);
    if (entry.prev !== this.#head) throw new DamagedError(place, `prev \`${this.#head}\``, `\`${entry.prev}\``);
    if (entry.at !== undefined && entry.at < this.#at) {
      throw new DamagedError(place, `a time not before ${this.#at}`, `${entry.at}`);
    }
    if (entry.ran !== undefined && entry.ran < this.#ran) {
      throw new DamagedError(place, `\`ran\` not less than ${this.#ran}`, `${entry.ran}`);
    }
    this.add(entry, digest);
  }
}
