/** Keeps the first and the last bytes of a stream, however much comes. */
export class Output {
  readonly #half: number;
  #head = Buffer.alloc(0);
  #tail = Buffer.alloc(0);
  #total = 0;

  /** `limit`: bytes that are kept. */
  constructor(limit: number) {
    this.#half = Math.floor(limit / 2);
  }

  /** How many bytes there were. */
  get bytes(): number {
    return this.#total;
  }

  get truncated(): boolean {
    return this.#total > this.#head.length + this.#tail.length;
  }

  add(chunk: Buffer): void {
    this.#total += chunk.length;
    const room = this.#half - this.#head.length;
    if (room > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, room)]);
    const rest = chunk.subarray(Math.max(0, room));
    if (rest.length === 0) return;
    const tail = rest.length >= this.#half ? rest : Buffer.concat([this.#tail, rest]);
    this.#tail = Buffer.from(tail.subarray(Math.max(0, tail.length - this.#half)));
  }

  /** The text; bytes that are not UTF-8 become U+FFFD, and a gap is marked. */
  text(): string {
    if (!this.truncated) return Buffer.concat([this.#head, this.#tail]).toString("utf8");
    const left = this.#total - this.#head.length - this.#tail.length;
    return `${this.#head.toString("utf8")}\n[${left} bytes left out]\n${this.#tail.toString("utf8")}`;
  }
}
