import { EXIT } from "../model/errors.ts";
import type { Tone } from "./timeline/line.ts";

/** Where a command writes: data for programs and people who asked for it, talk for whoever watches. */
export interface Output {
  data(text: string): void;
  /** Data as it is, without a line end. */
  bytes(data: Uint8Array): void;
  talk(text: string): void;
}

/** stdout and stderr, opened when something is written to them. */
export function output(): Output {
  return {
    data: (text) => write(process.stdout, `${text}\n`),
    bytes: (data) => write(process.stdout, data),
    talk: (text) => write(process.stderr, `${text}\n`),
  };
}

/** A reader that went away early is no error; a run goes on without it. It goes on without a full disk, too, but then it has failed. */
function write(stream: NodeJS.WriteStream, data: string | Uint8Array): void {
  if (stream.listenerCount("error") === 0) {
    let failed = false;
    stream.on("error", ({ code, message }: NodeJS.ErrnoException) => {
      if (code === "EPIPE" || failed) return;
      failed = true;
      process.once("exit", () => {
        process.exitCode = EXIT.error;
      });
      if (stream === process.stdout) write(process.stderr, `error: stdout cannot be written (${code ?? message})\n`);
    });
  }
  stream.write(data);
}

const CODES: Readonly<Record<Exclude<Tone, "plain">, number>> = {
  strong: 1,
  dim: 2,
  bad: 31,
  good: 32,
  warn: 33,
  accent: 36,
};

/** Colours text for a stream: only on a terminal, and not when `NO_COLOR` is set (no-color.org) or the terminal is dumb. */
export function painter(stream: { readonly isTTY?: boolean | undefined }): (text: string, tone: Tone) => string {
  const colours = stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
  return (text, tone) => (colours && tone !== "plain" ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text);
}
