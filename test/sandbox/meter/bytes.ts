/** Writes the primitives of the Wasm binary format (core specification §5.2). */

export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

export function signed(value: number | bigint): number[] {
  const bytes: number[] = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    const byte = Number(rest & 0x7fn);
    const last = rest >> 6n === 0n || rest >> 6n === -1n;
    bytes.push(last ? byte : byte | 0x80);
    if (last) return bytes;
  }
}

/** The lowest `bytes` bytes of a number, the least significant first. */
export function fixed(value: bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

export function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

export function text(value: string): number[] {
  return sized([...Buffer.from(value)]);
}

/** Bytes behind their length. */
export function sized(content: readonly number[]): number[] {
  return [...unsigned(content.length), ...content];
}

export const PREAMBLE: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** One section of a module; none when it has nothing to hold. */
export function section(id: number, items: readonly (readonly number[])[]): number[] {
  return items.length === 0 ? [] : [id, ...sized(vector(items))];
}
