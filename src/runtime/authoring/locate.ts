import { readFileSync, statSync } from "node:fs";
import { resolve as absolute, join } from "node:path";
import { type Given, loadGiven } from "../../blueprint/manifest.ts";
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

/** Throws `InputError` for what cannot be read. */
export function readBytes(cwd: string, file: string): Uint8Array {
  try {
    return readFileSync(file === "-" ? 0 : absolute(cwd, file));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "does not exist" : `cannot be read (${code})`;
    throw new InputError({ code: "no-file", message: `\`${file}\` ${why}`, cause });
  }
}
