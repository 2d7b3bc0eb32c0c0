/** Something to be found, under the name that it is reported with. */
export interface Pattern {
  readonly name: string;
  readonly bytes: Buffer;
}

export interface Hit {
  readonly from: number;
  readonly to: number;
  readonly name: string;
}

/** The window that is moved over the text is no longer than this, so that shifts fit into bytes. */
const WIDEST = 255;

/**
 * Finds many patterns in one pass, after Wu and Manber: a window as wide as the shortest pattern moves over the text, and the
 * last two bytes in it say how far it may jump. What one pattern costs more is hardly to be measured, unless its beginning occurs.
 */
export class Patterns {
  /** Of the shortest pattern, in bytes; 0 without patterns. */
  readonly least: number;
  /** Of the longest pattern, in bytes; 0 without patterns. */
  readonly most: number;
  readonly #patterns: readonly Pattern[];
  readonly #width: number;
  /** By the last two bytes in the window. */
  readonly #shifts: Uint8Array;
  /** Which patterns begin with a window that ends in these two bytes. */
  readonly #ending = new Map<number, number[]>();

  /** Patterns have two bytes and more. */
  constructor(patterns: readonly Pattern[]) {
    const lengths = patterns.map(({ bytes }) => bytes.length);
    this.least = patterns.length === 0 ? 0 : Math.min(...lengths);
    this.most = Math.max(0, ...lengths);
    this.#patterns = patterns;
    this.#width = Math.min(this.least, WIDEST);
    this.#shifts = new Uint8Array(65_536).fill(Math.max(1, this.#width - 1));
    for (const [index, { bytes }] of patterns.entries()) {
      for (let end = 2; end <= this.#width; end++) {
        const pair = pairAt(bytes, end - 2);
        this.#shifts[pair] = Math.min(this.#shifts[pair] ?? 0, this.#width - end);
        if (end < this.#width) continue;
        const same = this.#ending.get(pair);
        if (same === undefined) this.#ending.set(pair, [index]);
        else same.push(index);
      }
    }
  }

  /** Every occurrence, except for those of a pattern that overlap an earlier one of the same pattern. In no order. */
  in(text: Buffer): readonly Hit[] {
    const hits: Hit[] = [];
    const done = new Set<number>();
    const width = this.#width;
    const shifts = this.#shifts;
    if (width === 0) return hits;
    for (let at = 0; at + width <= text.length; ) {
      const pair = ((text[at + width - 2] ?? 0) << 8) | (text[at + width - 1] ?? 0);
      const shift = shifts[pair] ?? 0;
      if (shift === 0) {
        this.#check(text, { at, pair, done, hits });
        if (done.size === this.#patterns.length) break;
      }
      at += shift === 0 ? 1 : shift;
    }
    return hits;
  }

  /** From where the beginning of a pattern is found on, the pattern is looked for by itself: no text makes that expensive. */
  #check(
    text: Buffer,
    seen: { readonly at: number; readonly pair: number; readonly done: Set<number>; readonly hits: Hit[] },
  ): void {
    for (const index of this.#ending.get(seen.pair) ?? []) {
      const pattern = this.#patterns[index];
      if (pattern === undefined || seen.done.has(index) || !beginsAt(text, seen.at, pattern.bytes, this.#width))
        continue;
      seen.done.add(index);
      const { bytes, name } = pattern;
      for (let from = text.indexOf(bytes, seen.at); from !== -1; from = text.indexOf(bytes, from + bytes.length)) {
        seen.hits.push({ from, to: from + bytes.length, name });
      }
    }
  }
}

function pairAt(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function beginsAt(text: Buffer, at: number, pattern: Buffer, width: number): boolean {
  for (let index = 0; index < width; index++) if (text[at + index] !== pattern[index]) return false;
  return true;
}
