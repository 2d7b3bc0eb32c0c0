/**
 * Bytes as they read once they are decoded. Decoding is lenient and piecewise: what is not encoded stays, or is left out with a
 * NUL in its place, which no secret holds.
 */
export interface Decoded {
  readonly bytes: Buffer;
  /** Which source bytes became these decoded ones, one at least. The first question decodes once more, to know. */
  place(from: number, to: number): { readonly from: number; readonly to: number };
}

/** Shorter copies are quicker byte by byte. */
const BULK = 32;

/** Collects decoded bytes, and where each came from if that is asked for; there are never more of them than `most`. */
export class Collector {
  readonly #bytes: Buffer;
  readonly #from: Uint32Array;
  readonly #to: Uint32Array;
  readonly #places: boolean;
  #count = 0;

  constructor(most: number, places: boolean) {
    this.#bytes = Buffer.allocUnsafeSlow(most);
    this.#places = places;
    this.#from = new Uint32Array(places ? most : 0);
    this.#to = new Uint32Array(places ? most : 0);
  }

  /** A byte that the source bytes from `from` until `to` stand for. */
  add(byte: number, from: number, to: number): void {
    this.#bytes[this.#count] = byte;
    if (this.#places) {
      this.#from[this.#count] = from;
      this.#to[this.#count] = to;
    }
    this.#count += 1;
  }

  /** The bytes of a character; half of a pair becomes the one that stands for what cannot be read. */
  addCharacter(point: number, from: number, to: number): void {
    if (point < 0x80) this.add(point, from, to);
    else for (const byte of Buffer.from(String.fromCodePoint(point))) this.add(byte, from, to);
  }

  /** Bytes that are not encoded. */
  keep(source: Buffer, from: number, to: number): void {
    if (this.#places || to - from < BULK) {
      for (let at = from; at < to; at++) this.add(source[at] ?? 0, at, at + 1);
      return;
    }
    this.#count += source.copy(this.#bytes, this.#count, from, to);
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#count);
  }

  place(from: number, to: number): { readonly from: number; readonly to: number } {
    return { from: this.#from[from] ?? 0, to: this.#to[to - 1] ?? 0 };
  }
}

/** Decodes now, and again with places if anybody asks for one, which is rare and takes longer. */
export function lazily(most: number, decode: (out: Collector) => void): Decoded {
  const into = (places: boolean): Collector => {
    const out = new Collector(most, places);
    decode(out);
    return out;
  };
  let placed: Collector | undefined;
  return {
    bytes: into(false).bytes,
    place(from, to) {
      placed ??= into(true);
      return placed.place(from, to);
    },
  };
}

export const OTHER = -1;
export const GAP = -2;

/** A way of writing bytes with the digits of a number. */
export interface Base {
  /** What a byte is worth as a digit; `GAP` for one that may stand between two digits, `OTHER` for every other one. */
  readonly digits: Int8Array;
  /** Of one digit. */
  readonly bits: number;
  /** In how many places of a group of digits a byte may begin. */
  readonly phases: number;
}

/** Every run of digits in which `least` bytes may be encoded, decoded from each place of the first group on. */
export function inRuns(source: Buffer, least: number, base: Base): readonly Decoded[] {
  const runs = runsOf(source, base, Math.ceil((least * 8) / base.bits));
  let most = 0;
  for (let index = 0; index < runs.length; index += 2) most += (runs[index + 1] ?? 0) - (runs[index] ?? 0);
  if (most === 0) return [];
  return Array.from({ length: base.phases }, (_, phase) =>
    lazily(most, (out) => {
      for (let index = 0; index < runs.length; index += 2) {
        decodeRun(source, { start: runs[index] ?? 0, end: runs[index + 1] ?? 0, phase }, base, out);
      }
    }),
  );
}

/**
 * Beginnings and ends, in turn, where there are enough digits, with no more between two of them than a gap or two. Looks at the
 * end of what could be a run first: in most texts something there is no digit, and all before it needs no look.
 */
function runsOf(source: Buffer, { digits }: Base, shortest: number): readonly number[] {
  const runs: number[] = [];
  /** Up to here everything from `at` on is known to be digits and gaps. */
  let known = 0;
  for (let at = 0; at + shortest <= source.length; ) {
    let last = at + shortest - 1;
    while (last >= at && last >= known && digits[source[last] ?? 0] !== OTHER) last -= 1;
    known = at + shortest;
    if (last >= at && digits[source[last] ?? 0] === OTHER) {
      at = last + 1;
      continue;
    }
    const { start, end, count } = runFrom(source, at, digits);
    if (count >= shortest) runs.push(start, end);
    at = end;
  }
  return runs;
}

function runFrom(source: Buffer, from: number, digits: Int8Array): { start: number; end: number; count: number } {
  let start = from;
  while (start < source.length && digits[source[start] ?? 0] === GAP) start += 1;
  let count = 0;
  let end = start;
  for (let gap = 0; end < source.length; end++) {
    const value = digits[source[end] ?? 0] ?? OTHER;
    if (value >= 0) {
      count += 1;
      gap = 0;
    } else if (value === OTHER || gap === 2) {
      break;
    } else {
      gap += 1;
    }
  }
  return { start, end, count };
}

interface Run {
  readonly start: number;
  readonly end: number;
  /** Digits that are left out at the beginning. */
  readonly phase: number;
}

function decodeRun(source: Buffer, { start, end, phase }: Run, { digits, bits }: Base, out: Collector): void {
  let skip = phase;
  let held = 0;
  let holding = 0;
  let from = start;
  for (let at = start; at < end; at++) {
    const value = digits[source[at] ?? 0] ?? OTHER;
    if (value < 0) continue;
    if (skip > 0) {
      skip -= 1;
      continue;
    }
    if (holding === 0) from = at;
    held = ((held << bits) | value) & 0xffff;
    holding += bits;
    if (holding < 8) continue;
    holding -= 8;
    out.add((held >> holding) & 0xff, from, at + 1);
    from = at;
  }
  // A run of two digits and more is longer than what it decodes to, so that there is room for the break.
  out.add(0, start, start);
}
