import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { readAtMost } from "../blueprint/bounded.ts";
import { MAX_BYTES } from "../blueprint/text.ts";
import { InputError } from "../model/errors.ts";

/** The bytes of a file of configuration; undefined when it is not there. Throws `InputError` for one that cannot be read, is no file, or is larger than 1 MiB. */
export function readConfigFile(file: string): Uint8Array | undefined {
  const refuse = (why: string, cause?: unknown): InputError =>
    new InputError({
      code: "config-not-readable",
      message: `the configuration \`${file}\` cannot be read: ${why}`,
      cause,
    });
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw refuse(code ?? message, cause);
  }
  try {
    if (!fstatSync(fd).isFile()) throw refuse("it is no file");
    const bytes = readAtMost(fd, MAX_BYTES);
    if (bytes === undefined) throw refuse(`it has more than ${MAX_BYTES} bytes`);
    return bytes;
  } finally {
    closeSync(fd);
  }
}
