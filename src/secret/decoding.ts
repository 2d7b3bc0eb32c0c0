import { type Base, type Collector, type Decoded, GAP, inRuns, lazily, OTHER } from "./decoded.ts";

/** What a text reads as when it is decoded; nothing where nothing of `least` bytes is encoded in this way. Linear in the source. */
export type Decoder = (source: Buffer, least: number) => readonly Decoded[];

/** Writes what the escape at a place stands for. Returns how many bytes the escape has; 0 where there is none. */
type ReadEscape = (source: Buffer, at: number, out: Collector) => number;

const code = (text: string): number => text.charCodeAt(0);
const [PERCENT, PLUS, BACKSLASH, AMPERSAND] = [code("%"), code("+"), code("\\"), code("&")];
const [HASH, SEMICOLON] = [code("#"), code(";")];
const [LETTER_U, LETTER_X] = [code("u"), code("x")];
/** Bytes that are looked at before `indexOf` is called. */
const NEAR = 16;

const HEX = table((digit) => (/^[0-9a-f]$/i.test(digit) ? Number.parseInt(digit, 16) : OTHER));
const BASE64 = table((digit) => {
  const at = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".indexOf(digit);
  return at === -1 ? (({ "-": 62, _: 63 } as Readonly<Record<string, number>>)[digit] ?? OTHER) : at;
});
/** Gaps are those between the pairs of a dump. */
const HEXADECIMAL: Base = { digits: withGaps(HEX, " :-\r\n\t"), bits: 4, phases: 2 };
/** Gaps are where a long line was broken. */
const SIXTY_FOUR: Base = { digits: withGaps(BASE64, "\r\n"), bits: 6, phases: 4 };

function table(worth: (digit: string) => number): Int8Array {
  return Int8Array.from({ length: 256 }, (_, byte) => worth(String.fromCharCode(byte)));
}

function withGaps(digits: Int8Array, gaps: string): Int8Array {
  return digits.map((value, byte) => (gaps.includes(String.fromCharCode(byte)) ? GAP : value));
}

/** What is not escaped stays. */
function escaped(special: number, read: ReadEscape): Decoder {
  return (source) => {
    if (!source.includes(special)) return [];
    let found = false;
    const decode = (out: Collector): void => {
      let kept = 0;
      for (let at = nextOf(source, special, 0); at !== -1; at = nextOf(source, special, at)) {
        out.keep(source, kept, at);
        const size = read(source, at, out);
        found ||= size > 0;
        kept = at + size;
        at += Math.max(1, size);
      }
      out.keep(source, kept, source.length);
    };
    const decoded = lazily(source.length, decode);
    return found ? [decoded] : [];
  };
}

/** The same as `indexOf`, whose call costs as much as a few bytes. */
function nextOf(source: Buffer, byte: number, from: number): number {
  const near = Math.min(source.length, from + NEAR);
  for (let at = from; at < near; at++) if (source[at] === byte) return at;
  return source.indexOf(byte, near);
}

/** RFC 3986 §2.1, also where only some bytes are encoded. */
export const percent = escaped(PERCENT, (source, at, out) => {
  const byte = digitsAt(source, at + 1, 2);
  if (byte === -1) return 0;
  out.add(byte, at, at + 3);
  return 3;
});

/** Forms (`application/x-www-form-urlencoded`) write a space as `+`. */
export const plus = escaped(PLUS, (_, at, out) => {
  out.add(0x20, at, at + 1);
  return 1;
});

/** UTF-16 of what is ASCII, in either order. */
export const wide = escaped(0, () => 1);

const SHORT = new Map([..."bfnrt"].map((letter, index) => [code(letter), code("\b\f\n\r\t".charAt(index))] as const));

/** Escapes of JSON (RFC 8259 §7), and `\x41`, `\'` as programs write them. */
export const escapes = escaped(BACKSLASH, (source, at, out) => {
  const kind = source[at + 1];
  if (kind === undefined) return 0;
  if (kind !== LETTER_X && kind !== LETTER_U) {
    out.add(SHORT.get(kind) ?? kind, at, at + 2);
    return 2;
  }
  const digits = kind === LETTER_X ? 2 : 4;
  const unit = digitsAt(source, at + 2, digits);
  if (unit === -1) return 0;
  const low = unit >> 10 === 0x36 && source[at + 6] === BACKSLASH && source[at + 7] === LETTER_U;
  const second = low ? digitsAt(source, at + 8, 4) : -1;
  const isPair = second >> 10 === 0x37;
  const size = isPair ? 12 : 2 + digits;
  out.addCharacter(isPair ? 0x10000 + ((unit & 0x3ff) << 10) + (second & 0x3ff) : unit, at, at + size);
  return size;
});

const ENTITIES = Object.entries({ "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'" });

/** Entities of HTML and XML, as far as they are needed. */
export const entities = escaped(AMPERSAND, (source, at, out) => {
  if (source[at + 1] !== HASH) {
    const named = ENTITIES.find(([text]) => source.toString("latin1", at, at + text.length) === text);
    if (named === undefined) return 0;
    out.add(code(named[1]), at, at + named[0].length);
    return named[0].length;
  }
  const isHex = source[at + 2] === LETTER_X || source[at + 2] === code("X");
  const [first, base, most] = isHex ? [at + 3, 16, 6] : [at + 2, 10, 7];
  let end = first;
  let number = 0;
  for (; end < first + most; end++) {
    const digit = HEX[source[end] ?? 0] ?? -1;
    if (digit === -1 || digit >= base) break;
    number = number * base + digit;
  }
  if (end === first || source[end] !== SEMICOLON || number > 0x10ffff) return 0;
  out.addCharacter(number, at, end + 1);
  return end + 1 - at;
});

/** Hexadecimal digits in any case, also in pairs; from the first and from the second digit on. */
export const hexadecimal: Decoder = (source, least) => inRuns(source, least, HEXADECIMAL);

/** Base64 of either alphabet (RFC 4648 §4, §5), padded or not, from each of the four places in a group on. */
export const base64: Decoder = (source, least) => inRuns(source, least, SIXTY_FOUR);

/** The number that so many hexadecimal digits write; -1 where there are fewer. */
function digitsAt(source: Buffer, at: number, count: number): number {
  let number = 0;
  for (let index = at; index < at + count; index++) {
    const digit = index < source.length ? (HEX[source[index] ?? 0] ?? -1) : -1;
    if (digit === -1) return -1;
    number = number * 16 + digit;
  }
  return number;
}
