/**
 * Bytes as they read once they are decoded, with the place that each of them came from. Decoding is lenient and piecewise: what
 * is not encoded stays, or is left out with a NUL in its place, which no secret holds.
 */
export interface Decoded {
  readonly bytes: Buffer;
  /** Of decoded byte i, the source bytes from[i] until to[i]. */
  readonly from: Uint32Array;
  readonly to: Uint32Array;
}

/** Undefined where nothing of `least` bytes is encoded in this way. Linear in the source. */
export type Decoder = (source: Buffer, least: number) => Decoded | undefined;

/** Collects decoded bytes; there are never more of them than `most`. */
class Collector {
  readonly #bytes: Buffer;
  readonly #from: Uint32Array;
  readonly #to: Uint32Array;
  #count = 0;

  constructor(most: number) {
    this.#bytes = Buffer.alloc(most);
    this.#from = new Uint32Array(most);
    this.#to = new Uint32Array(most);
  }

  add(byte: number, from: number, to: number): void {
    this.#bytes[this.#count] = byte;
    this.#from[this.#count] = from;
    this.#to[this.#count] = to;
    this.#count += 1;
  }

  done(): Decoded {
    return {
      bytes: this.#bytes.subarray(0, this.#count),
      from: this.#from.subarray(0, this.#count),
      to: this.#to.subarray(0, this.#count),
    };
  }
}

const code = (text: string): number => text.charCodeAt(0);
const [PERCENT, PLUS, BACKSLASH, AMPERSAND] = [code("%"), code("+"), code("\\"), code("&")];

const HEX = table((digit) => (/^[0-9a-f]$/i.test(digit) ? Number.parseInt(digit, 16) : -1));
const BASE64 = table((digit) => {
  const at = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".indexOf(digit);
  return at === -1 ? (({ "-": 62, _: 63 } as Readonly<Record<string, number>>)[digit] ?? -1) : at;
});
/** Between the pairs of a dump. */
const HEX_GAPS = new Set([..." :-\r\n\t"].map(code));
/** Where a long line was broken. */
const BASE64_GAPS = new Set([..."\r\n"].map(code));

function table(worth: (digit: string) => number): Int8Array {
  return Int8Array.from({ length: 256 }, (_, byte) => worth(String.fromCharCode(byte)));
}

/** RFC 3986 §2.1, also where only some bytes are encoded. */
export const percent: Decoder = (source) => {
  if (!source.includes(PERCENT)) return undefined;
  const out = new Collector(source.length);
  for (let at = 0; at < source.length; ) {
    const high = source[at] === PERCENT ? hexAt(source, at + 1) : -1;
    const low = high === -1 ? -1 : hexAt(source, at + 2);
    const size = low === -1 ? 1 : 3;
    const plain = source[at] ?? 0;
    out.add(low === -1 ? plain : high * 16 + low, at, at + size);
    at += size;
  }
  return out.done();
};

/** Forms (`application/x-www-form-urlencoded`) write a space as `+`. */
export const plus: Decoder = (source) => {
  if (!source.includes(PLUS)) return undefined;
  return replaced(source, (byte) => (byte === PLUS ? 0x20 : byte));
};

/** UTF-16 of what is ASCII, in either order. */
export const wide: Decoder = (source) => {
  if (!source.includes(0)) return undefined;
  return replaced(source, (byte) => (byte === 0 ? undefined : byte));
};

function replaced(source: Buffer, change: (byte: number) => number | undefined): Decoded {
  const out = new Collector(source.length);
  for (let at = 0; at < source.length; at++) {
    const byte = change(source[at] ?? 0);
    if (byte !== undefined) out.add(byte, at, at + 1);
  }
  return out.done();
}

const SHORT: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** Escapes of JSON (RFC 8259 §7), and `\x41`, `\'` as programs write them. */
export const escapes: Decoder = (source) => {
  if (!source.includes(BACKSLASH)) return undefined;
  const out = new Collector(source.length);
  for (let at = 0; at < source.length; ) {
    const { size, text } = escapeAt(source, at);
    if (text === undefined) out.add(source[at] ?? 0, at, at + size);
    else for (const byte of Buffer.from(text)) out.add(byte, at, at + size);
    at += size;
  }
  return out.done();
};

function escapeAt(source: Buffer, at: number): { readonly size: number; readonly text?: string } {
  if (source[at] !== BACKSLASH || at + 1 >= source.length) return { size: 1 };
  const kind = String.fromCharCode(source[at + 1] ?? 0);
  if (kind === "x") return numbered(source, at, 2);
  if (kind !== "u") return source[at + 1] === undefined ? { size: 1 } : { size: 2, text: SHORT[kind] ?? kind };
  const first = numbered(source, at, 4);
  const pair = source.toString("latin1", at, at + 12);
  const whole = /^\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})$/.exec(pair);
  if (whole === null) return first;
  return {
    size: 12,
    text: String.fromCharCode(...[whole[1], whole[2]].map((unit) => Number.parseInt(unit ?? "", 16))),
  };
}

function numbered(source: Buffer, at: number, digits: number): { readonly size: number; readonly text?: string } {
  const hex = source.toString("latin1", at + 2, at + 2 + digits);
  if (hex.length < digits || !/^[0-9a-fA-F]+$/.test(hex)) return { size: 1 };
  return { size: 2 + digits, text: String.fromCharCode(Number.parseInt(hex, 16)) };
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const LONGEST_ENTITY = 10;

/** Entities of HTML and XML, as far as they are needed. */
export const entities: Decoder = (source) => {
  if (!source.includes(AMPERSAND)) return undefined;
  const out = new Collector(source.length);
  for (let at = 0; at < source.length; ) {
    const found =
      source[at] === AMPERSAND
        ? /^&(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]{2,4}));/.exec(
            source.toString("latin1", at, at + LONGEST_ENTITY),
          )
        : null;
    const text = found === null ? undefined : entity(found);
    const size = text === undefined ? 1 : (found?.[0].length ?? 1);
    if (text === undefined) out.add(source[at] ?? 0, at, at + 1);
    else for (const byte of Buffer.from(text)) out.add(byte, at, at + size);
    at += size;
  }
  return out.done();
};

function entity([, decimal, hex, name = ""]: RegExpExecArray): string | undefined {
  const number = decimal !== undefined ? Number(decimal) : hex !== undefined ? Number.parseInt(hex, 16) : undefined;
  if (number === undefined) return ENTITIES[name];
  return number > 0x10ffff ? undefined : String.fromCodePoint(number);
}

/** Hexadecimal digits in any case, also in pairs; from the first or from the second digit on. */
export const hexadecimal = (phase: 0 | 1): Decoder => byRuns({ digits: HEX, gaps: HEX_GAPS, bits: 4, phase });

/** Base64 of either alphabet (RFC 4648 §4, §5), padded or not, from any of the four places in a group on. */
export const base64 = (phase: 0 | 1 | 2 | 3): Decoder => byRuns({ digits: BASE64, gaps: BASE64_GAPS, bits: 6, phase });

interface Base {
  readonly digits: Int8Array;
  readonly gaps: ReadonlySet<number>;
  /** Of one digit. */
  readonly bits: number;
  /** Digits that are left out at the beginning. */
  readonly phase: number;
}

function byRuns(base: Base): Decoder {
  return (source, least) => {
    const shortest = Math.ceil((least * 8) / base.bits);
    let out: Collector | undefined;
    for (const [start, end] of runsOf(source, base, shortest)) {
      out ??= new Collector(source.length);
      decodeRun(source, { start, end }, { ...base, out });
    }
    return out?.done();
  };
}

/** From where to where there are enough digits, with no more between two of them than a gap or two. */
function* runsOf(source: Buffer, { digits, gaps }: Base, shortest: number): Generator<readonly [number, number]> {
  let start = 0;
  let count = 0;
  let gap = 0;
  for (let at = 0; at < source.length; at++) {
    const byte = source[at] ?? 0;
    if ((digits[byte] ?? -1) !== -1) {
      if (count === 0) start = at;
      count += 1;
      gap = 0;
    } else if (count > 0) {
      gap += 1;
      if (gap <= 2 && gaps.has(byte)) continue;
      if (count >= shortest) yield [start, at];
      count = 0;
      gap = 0;
    }
  }
  if (count >= shortest) yield [start, source.length];
}

function decodeRun(
  source: Buffer,
  { start, end }: { readonly start: number; readonly end: number },
  { digits, bits, phase, out }: Base & { readonly out: Collector },
): void {
  let skip = phase;
  let held = 0;
  let holding = 0;
  let from = start;
  for (let at = start; at < end; at++) {
    const value = digits[source[at] ?? 0] ?? -1;
    if (value === -1) continue;
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

function hexAt(source: Buffer, at: number): number {
  const byte = source[at];
  return byte === undefined ? -1 : (HEX[byte] ?? -1);
}
