/** A component is not what a hook must be. The message names what was found and what was expected. */
export class Malformed extends Error {}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads the primitives of the Wasm binary format (core specification §5.2) and never past its end. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get at(): number {
    return this.#at;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at] : undefined;
    if (byte === undefined) throw new Malformed(`the binary ends in the middle of an item at byte ${this.#at}`);
    this.#at += 1;
    return byte;
  }

  peek(): number | undefined {
    return this.#at < this.#end ? this.#bytes[this.#at] : undefined;
  }

  skip(length: number): void {
    if (length > this.#end - this.#at)
      throw new Malformed(`the binary ends in the middle of an item at byte ${this.#at}`);
    this.#at += length;
  }

  /** An unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw new Malformed(`a number of more than 32 bits at byte ${this.#at}`);
  }

  /** Skips a LEB128 of any sign and at most `bits` bits. */
  leb(bits: number): void {
    for (let shift = 0; shift < bits; shift += 7) {
      if (this.byte() < 0x80) return;
    }
    throw new Malformed(`a number of more than ${bits} bits at byte ${this.#at}`);
  }

  name(): string {
    const length = this.u32();
    const start = this.#at;
    this.skip(length);
    try {
      return utf8.decode(this.#bytes.subarray(start, this.#at));
    } catch {
      throw new Malformed(`a name that is not UTF-8 at byte ${start}`);
    }
  }

  /** The next `length` bytes as a reader of their own. */
  sub(length: number): Reader {
    const start = this.#at;
    this.skip(length);
    return new Reader(this.#bytes, start, this.#at);
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#end);
  }

  /** The number of elements of the vector that starts here. */
  peekVector(): number {
    return new Reader(this.#bytes, this.#at, this.#end).u32();
  }

  /** Calls `item` as often as the vector that starts here has elements. */
  each(item: (index: number) => void): number {
    const count = this.u32();
    if (count > this.#end - this.#at)
      throw new Malformed(`a vector that is longer than the binary at byte ${this.#at}`);
    for (let index = 0; index < count; index += 1) item(index);
    return count;
  }
}

const CORE = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const COMPONENT = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

export function binaryKind(bytes: Uint8Array): "component" | "module" | "other" {
  const starts = (magic: readonly number[]) => magic.every((byte, index) => bytes[index] === byte);
  if (starts(COMPONENT)) return "component";
  return starts(CORE) ? "module" : "other";
}

/** Calls `visit` with every section of a component or a core module, in order; `bytes` starts with the preamble. */
export function sections(bytes: Uint8Array, visit: (id: number, content: Reader) => void): void {
  const reader = new Reader(bytes);
  reader.skip(8);
  while (!reader.done) {
    const id = reader.byte();
    visit(id, reader.sub(reader.u32()));
  }
}
