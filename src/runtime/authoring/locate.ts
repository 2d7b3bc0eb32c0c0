import { closeSync, openSync, statSync } from "node:fs";
import { resolve as absolute, join } from "node:path";
import { readAtMost } from "../../blueprint/bounded.ts";
import { type Given, loadGiven } from "../../blueprint/manifest.ts";
import { MAX_BYTES } from "../../blueprint/text.ts";
import { InputError } from "../../model/errors.ts";

/** The manifest that is meant by a folder (with a `hook.yaml`) or by a file. */
export function manifestPath(cwd: string, given: string): string {
  const path = absolute(cwd, given);
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? join(path, "hook.yaml") : path;
}

/** A mapping in YAML or JSON; `-` is standard input. Throws `InputError` and `InvalidFileError`. */
export function readGiven(cwd: string, file: string): Given {
  return loadGiven(readBytes(cwd, file), file === "-" ? "standard input" : file);
}

/**
 * The bytes of a file, a pipe or a device, at most `limit`; `-` is standard input. Throws `InputError` for what cannot be read and
 * for what has more bytes.
 */
export function readBytes(cwd: string, file: string, limit: number = MAX_BYTES): Uint8Array {
  const bytes = readGuarded(cwd, file, limit);
  if (bytes !== undefined) return bytes;
  const name = file === "-" ? "standard input" : `\`${file}\``;
  throw new InputError({ code: "too-large", message: `${name} has more than ${limit} bytes, which is the limit` });
}

function readGuarded(cwd: string, file: string, limit: number): Uint8Array | undefined {
  try {
    if (file === "-") return readAtMost(0, limit);
    const fd = openSync(absolute(cwd, file), "r");
    try {
      return readAtMost(fd, limit);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "does not exist" : `cannot be read (${code})`;
    throw new InputError({ code: "no-file", message: `\`${file}\` ${why}`, cause });
  }
}
