/** Bytes, and where they come from in the text that is searched. */
export interface Look {
  readonly bytes: Buffer;
  place(from: number, to: number): { readonly from: number; readonly to: number };
}

/** In no UTF-8, hence in no secret, and no part of an encoding. */
const BREAK = 0xff;

/** Bytes that encodings are written in: ASCII and its white space, and NUL, which UTF-16 has beside each. */
const ENCODED = [0, 9, 10, 13, ...Array.from({ length: 0x7f - 0x20 }, (_, index) => 0x20 + index)];

/** Whether a byte may be part of something that is one of these values when it is decoded, by byte. */
export function legibleBytes(values: readonly Buffer[]): Uint8Array {
  const legible = new Uint8Array(256);
  for (const byte of ENCODED) legible[byte] = 1;
  for (const value of values) for (const byte of value) legible[byte] = 1;
  return legible;
}

/**
 * Of a text what could be encoded once more: stretches of `least` legible bytes and more, apart from each other. Nearly nothing
 * is left of what was decoded and never encoded, such as words in which base64 was seen.
 */
export function legiblePart(look: Look, legible: Uint8Array, least: number): Look {
  const { bytes } = look;
  const stretches = stretchesOf(bytes, legible, least);
  if (stretches.length === 2 && stretches[0] === 0 && stretches[1] === bytes.length) return look;
  /** Where each stretch begins in the part. */
  const begins: number[] = [];
  let size = 0;
  for (let index = 0; index < stretches.length; index += 2) {
    begins.push(size);
    size += (stretches[index + 1] ?? 0) - (stretches[index] ?? 0) + 1;
  }
  const part = Buffer.allocUnsafe(size);
  for (const [index, begin] of begins.entries()) {
    const copied = bytes.copy(part, begin, stretches[2 * index], stretches[2 * index + 1]);
    part[begin + copied] = BREAK;
  }
  const whence = (at: number): number => {
    const index = lastUpTo(begins, at);
    return (stretches[2 * index] ?? 0) + at - (begins[index] ?? 0);
  };
  return { bytes: part, place: (from, to) => look.place(whence(from), whence(to - 1) + 1) };
}

/** Beginnings and ends, in turn. NUL does not count, since it is left out. */
function stretchesOf(bytes: Buffer, legible: Uint8Array, least: number): readonly number[] {
  const stretches: number[] = [];
  let start = 0;
  let count = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (legible[byte] === 1) {
      if (byte !== 0) count += 1;
      continue;
    }
    if (count >= least) stretches.push(start, at);
    start = at + 1;
    count = 0;
  }
  if (count >= least) stretches.push(start, bytes.length);
  return stretches;
}

/** The index of the last number that is not greater. */
function lastUpTo(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((sorted[middle] ?? 0) <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}
