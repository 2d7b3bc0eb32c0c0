import type { Mask } from "../ports.ts";
import { NO_SECRETS } from "../secrets/none.ts";

/** Keeps the first and the last bytes of a stream, however much comes, and shows them without secrets. */
export class Output {
  readonly #half: number;
  /** What is kept: a secret that is cut is found by what is behind the cut. */
  readonly #each: number;
  readonly #mask: Mask;
  #head = Buffer.alloc(0);
  #tail = Buffer.alloc(0);
  #total = 0;

  /** `limit`: bytes that are shown. */
  constructor(limit: number, mask: Mask = NO_SECRETS.mask) {
    this.#half = Math.floor(limit / 2);
    this.#each = this.#half + mask.reach;
    this.#mask = mask;
  }

  /** How many bytes there were. */
  get bytes(): number {
    return this.#total;
  }

  get truncated(): boolean {
    return this.#total > 2 * this.#half;
  }

  add(chunk: Buffer): void {
    this.#total += chunk.length;
    const room = this.#each - this.#head.length;
    if (room > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, room)]);
    const rest = chunk.subarray(Math.max(0, room));
    if (rest.length === 0) return;
    const tail = rest.length >= this.#each ? rest : Buffer.concat([this.#tail, rest]);
    this.#tail = Buffer.from(tail.subarray(Math.max(0, tail.length - this.#each)));
  }

  /** The text; bytes that are not UTF-8 become U+FFFD, and a gap is marked. */
  text(): string {
    const known = Buffer.concat([this.#head, this.#tail]);
    if (!this.truncated) return this.#mask.bytes(known).toString("utf8");
    const left = this.#total - 2 * this.#half;
    const whole = known.length === this.#total;
    const head = this.#mask.bytes(whole ? known : this.#head, { to: this.#half });
    const last = whole ? known : this.#tail;
    const tail = this.#mask.bytes(last, { from: last.length - this.#half });
    return `${head.toString("utf8")}\n[${left} bytes left out]\n${tail.toString("utf8")}`;
  }
}
