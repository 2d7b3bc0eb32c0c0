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
  if (fd !== undefined) return textOf(readFrom(fd));
  const terminal = Terminal.open();
  try {
    const first = await terminal.ask(`${prompt}: `);
    if (!isNew || Buffer.compare(first, await terminal.ask("the same again: ")) === 0) return textOf(first);
  } finally {
    terminal.close();
  }
  throw new InputError({ code: "passphrases-differ", message: "the two passphrases are not the same" });
}

function textOf(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes).toString();
  throw new InputError({ code: "bad-passphrase", message: "the passphrase is not UTF-8" });
}

function readFrom(fd: number): Uint8Array {
  const bytes = Buffer.alloc(MOST + 2);
  let length = 0;
  try {
    for (let count = 1; count > 0 && length < bytes.length; length += count) {
      count = readSync(fd, bytes, length, bytes.length - length, null);
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InputError({ code: "no-passphrase", message: `file descriptor ${fd} cannot be read: ${why}`, cause });
  }
  const given = bytes.subarray(0, length);
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
  #typed: Buffer = Buffer.alloc(0);

  private constructor(fd: number) {
    this.#fd = fd;
    this.#stream = new ReadStream(openSync("/dev/tty", "r"));
    this.#stream.setRawMode(true);
  }

  static open(): Terminal {
    try {
      return new Terminal(openSync("/dev/tty", "w"));
    } catch (cause) {
      throw new InputError({
        code: "no-terminal",
        message: "there is no terminal to ask for the passphrase",
        hint: "give a file descriptor that it can be read from: `--passphrase-fd 3 3< FILE`",
        cause,
      });
    }
  }

  async ask(prompt: string): Promise<Buffer> {
    writeSync(this.#fd, prompt);
    try {
      return await this.#line();
    } finally {
      writeSync(this.#fd, "\r\n");
    }
  }

  close(): void {
    this.#stream.setRawMode(false);
    this.#stream.destroy();
    closeSync(this.#fd);
  }

  async #line(): Promise<Buffer> {
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
        else if (line.length < MOST) line.push(byte);
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
