import { readSync } from "node:fs";
import { MAX_LINE } from "./codec.ts";
import { DamagedError, type Place } from "./damage.ts";

const CHUNK = 128 * 1024;
const LF = 10;

/** Reads a file line by line, in chunks; memory is bounded by the longest line. */
export class Lines {
  readonly #fd: number;
  readonly #file: string;
  #buffer = Buffer.allocUnsafe(CHUNK);
  #start = 0;
  #end = 0;
  #position = 0;
  #line = 0;

  constructor(fd: number, file: string) {
    this.#fd = fd;
    this.#file = file;
  }

  /** Where the next line begins. */
  get place(): Place {
    return { file: this.#file, line: this.#line + 1, offset: this.#position - (this.#end - this.#start) };
  }

  /**
   * The next line without its LF; the bytes are good until the next call. Undefined at the end of the file or at a
   * last line without LF (`torn` says how long that is). Throws `DamagedError` for a line of more than 32 MiB.
   */
  next(): Uint8Array | undefined {
    for (let fresh = this.torn; ; ) {
      const lf = this.#buffer.subarray(0, this.#end).indexOf(LF, this.#end - fresh);
      const length = (lf < 0 ? this.#end : lf) - this.#start;
      if (length > MAX_LINE) throw new DamagedError(this.place, `a line of at most ${MAX_LINE} bytes`, "a longer one");
      if (lf >= 0) {
        const line = this.#buffer.subarray(this.#start, lf);
        this.#start = lf + 1;
        this.#line += 1;
        return line;
      }
      fresh = this.#fill();
      if (fresh === 0) return undefined;
    }
  }

  /** Forgets those bytes, to read them again: who writes may have replaced them. */
  rewind(): void {
    this.#position -= this.torn;
    this.#end = this.#start;
  }

  /** Bytes that were read and belong to no whole line. */
  get torn(): number {
    return this.#end - this.#start;
  }

  /** Reads on behind what is left; the number of bytes read. */
  #fill(): number {
    const kept = this.torn;
    const target = kept * 2 > this.#buffer.length ? Buffer.allocUnsafe(this.#buffer.length * 2) : this.#buffer;
    this.#buffer.copy(target, 0, this.#start, this.#end);
    this.#buffer = target;
    const read = readSync(this.#fd, target, kept, target.length - kept, this.#position);
    this.#start = 0;
    this.#end = kept + read;
    this.#position += read;
    return read;
  }
}
