/** Bytes that grow, with the encodings of the Wasm binary format (core specification §5.2). */
export class Output {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(Math.max(capacity, 64));
  }

  get length(): number {
    return this.#length;
  }

  /** A view that is good until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  /** Bytes `from` to `to` of a source. */
  copy(source: Uint8Array, from: number, to: number): void {
    const count = to - from;
    if (this.#length + count > this.#bytes.length) this.#grow(count);
    if (count > 48) this.#bytes.set(source.subarray(from, to), this.#length);
    else for (let n = 0; n < count; n += 1) this.#bytes[this.#length + n] = source[from + n] ?? 0;
    this.#length += count;
  }

  all(source: Uint8Array): void {
    this.copy(source, 0, source.length);
  }

  /** An unsigned LEB128 of at most 32 bits. */
  u32(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 0x80);
    this.byte(rest);
  }

  /** A signed LEB128 of a whole number of at most 53 bits. */
  signed(value: number): void {
    let rest = value;
    while (rest < -64 || rest > 63) {
      const low = ((rest % 128) + 128) % 128;
      this.byte(low | 0x80);
      rest = (rest - low) / 128;
    }
    this.byte(rest & 0x7f);
  }

  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u32(bytes.length);
    this.all(bytes);
  }

  #grow(count: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    larger.set(this.view());
    this.#bytes = larger;
  }
}
