import { isUtf8 } from "node:buffer";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { InputError, InterruptedError } from "../../model/errors.ts";

/** Bytes of a passphrase. */
const MOST = 1024;
const [INTERRUPT, END, BACKSPACE, LF, CR, ERASE, DELETE] = [0x03, 0x04, 0x08, 0x0a, 0x0d, 0x15, 0x7f];

/**
 * A passphrase: from the file descriptor that was given, up to its end without the last line end, or typed unseen on the terminal, twice
 * where it is a new one. Never from an argument or the environment, which others may see. Throws `InputError` where there is neither, and
 * `InterruptedError` for Ctrl-C.
 */
export async function readPassphrase(
  fd: number | undefined,
  { prompt, isNew }: { readonly prompt: string; readonly isNew: boolean },
): Promise<string> {
  if (fd !== undefined) return textOf(readFrom(fd), "passphrase");
  const terminal = Terminal.open({ what: "passphrase", option: "--passphrase-fd 3 3< FILE" });
  try {
    const first = await terminal.ask(`${prompt}: `, MOST);
    if (!isNew || Buffer.compare(first, await terminal.ask("the same again: ", MOST)) === 0)
      return textOf(first, "passphrase");
  } finally {
    terminal.close();
  }
  throw new InputError({ code: "passphrases-differ", message: "the two passphrases are not the same" });
}

/**
 * The value of a secret: one line of at most `most` bytes, typed unseen on the terminal. Throws `InputError` for more, so that nobody
 * keeps the first line of a key who pasted all of it, and as `readPassphrase` does.
 */
export async function readValue({ prompt, most }: { readonly prompt: string; readonly most: number }): Promise<string> {
  const option = "--value-fd 4 4< FILE";
  const terminal = Terminal.open({ what: "value", option });
  try {
    const line = await terminal.ask(`${prompt}: `, most);
    if (!terminal.hasMore) return textOf(line, "value");
  } finally {
    terminal.close();
  }
  const message = "more than one line was typed, and nothing is kept";
  throw new InputError({ code: "several-lines", message, hint: `give a value of several lines as \`${option}\`` });
}

type What = "passphrase" | "value";

function textOf(bytes: Uint8Array, what: What): string {
  if (isUtf8(bytes)) return Buffer.from(bytes).toString();
  throw new InputError({ code: `bad-${what}`, message: `the ${what} is not UTF-8` });
}

/** What can be read from a descriptor up to its end, and no more than `most` bytes. Throws `InputError` (`no-<what>`). */
export function readDescriptor(fd: number, { what, most }: { readonly what: What; readonly most: number }): Uint8Array {
  const bytes = Buffer.alloc(most);
  let length = 0;
  try {
    for (let count = 1; count > 0 && length < bytes.length; length += count) {
      count = readSync(fd, bytes, length, bytes.length - length, null);
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InputError({ code: `no-${what}`, message: `file descriptor ${fd} cannot be read: ${why}`, cause });
  }
  return bytes.subarray(0, length);
}

function readFrom(fd: number): Uint8Array {
  const given = readDescriptor(fd, { what: "passphrase", most: MOST + 2 });
  const passphrase = given.at(-1) === LF ? given.subarray(0, -1) : given;
  if (passphrase.length <= MOST && !passphrase.includes(LF)) return passphrase;
  throw new InputError({
    code: "bad-passphrase",
    message: `expected one line of at most ${MOST} bytes on file descriptor ${fd}`,
  });
}

/** The terminal that this process belongs to, whatever its standard streams are. Nothing that is typed is shown. */
class Terminal {
  readonly #fd: number;
  readonly #stream: ReadStream;
  readonly #what: What;
  #typed: Buffer = Buffer.alloc(0);

  private constructor(fd: number, what: What) {
    this.#fd = fd;
    this.#what = what;
    this.#stream = new ReadStream(openSync("/dev/tty", "r"));
    this.#stream.setRawMode(true);
  }

  /** `option`: how what is asked for can be given otherwise. */
  static open({ what, option }: { readonly what: What; readonly option: string }): Terminal {
    try {
      return new Terminal(openSync("/dev/tty", "w"), what);
    } catch (cause) {
      throw new InputError({
        code: "no-terminal",
        message: `there is no terminal to ask for the ${what}`,
        hint: `give a file descriptor that it can be read from: \`${option}\``,
        cause,
      });
    }
  }

  /** Throws `InputError` for more than `most` bytes: what is cut would be another passphrase than the one that was typed. */
  async ask(prompt: string, most: number): Promise<Buffer> {
    writeSync(this.#fd, prompt);
    try {
      const line = await this.#line(most);
      if (line.length <= most) return line;
    } finally {
      writeSync(this.#fd, "\r\n");
    }
    const message = `the ${this.#what} has more than ${most} bytes`;
    throw new InputError({ code: `bad-${this.#what}`, message });
  }

  /** Whether something was typed behind the last line, other than line ends, that nobody has asked for. */
  get hasMore(): boolean {
    return this.#typed.some((byte) => byte !== LF && byte !== CR);
  }

  close(): void {
    this.#stream.setRawMode(false);
    this.#stream.destroy();
    closeSync(this.#fd);
  }

  /** Of a longer line a byte more than `most`. */
  async #line(most: number): Promise<Buffer> {
    const line: number[] = [];
    for (;;) {
      for (const [at, byte] of this.#typed.entries()) {
        if (byte === INTERRUPT) throw new InterruptedError({ code: "interrupted", message: "no passphrase was given" });
        if (byte === LF || byte === CR || byte === END) {
          this.#typed = this.#typed.subarray(at + 1);
          return Buffer.from(line);
        }
        if (byte === BACKSPACE || byte === DELETE) eraseLast(line);
        else if (byte === ERASE) line.length = 0;
        else if (line.length <= most) line.push(byte);
      }
      this.#typed = await this.#more();
    }
  }

  #more(): Promise<Buffer> {
    return new Promise((resolve) => {
      const stream = this.#stream;
      const gone = () => resolve(Buffer.of(INTERRUPT));
      stream.once("end", gone);
      stream.once("data", (data: Buffer) => {
        stream.off("end", gone);
        stream.pause();
        resolve(data);
      });
      stream.resume();
    });
  }
}

/** A whole character of UTF-8. */
function eraseLast(line: number[]): void {
  while (((line.pop() ?? 0) & 0xc0) === 0x80);
}
