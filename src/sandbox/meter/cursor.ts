const EMPTY = 0x40;

/** A place in a valid module. Nothing is checked again. */
export class Cursor {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    return this.bytes[this.at++] ?? 0;
  }

  peek(ahead: number): number {
    return this.bytes[this.at + ahead] ?? 0;
  }

  /** An unsigned LEB128. */
  u32(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  /** Passes a LEB128 of any sign. */
  skip(): void {
    while (this.byte() >= 0x80);
  }

  /** The type of a block (core specification §5.4.1): nothing, one value, or the index of a function type. */
  blockType(): "nothing" | "value" | number {
    const first = this.peek(0);
    if (first < EMPTY || first >= 0x80) return this.u32();
    this.at += 1;
    return first === EMPTY ? "nothing" : "value";
  }
}
