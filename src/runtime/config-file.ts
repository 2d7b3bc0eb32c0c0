import { constants, type Stats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { readFileAtMost } from "../blueprint/bounded.ts";
import { MAX_BYTES } from "../blueprint/text.ts";
import { InputError } from "../model/errors.ts";

/**
 * The bytes of a file of configuration; undefined when it is not there. `guarded`: it and its folder must belong to root or to this
 * user, and nobody else may be able to change them. Throws `InputError` for one that cannot be read, is no file, is larger than
 * 1 MiB, or is not guarded.
 */
export async function readConfigFile(
  file: string,
  { guarded = false }: { readonly guarded?: boolean } = {},
): Promise<Uint8Array | undefined> {
  const refuse = (why: string, cause?: unknown): InputError =>
    new InputError({
      code: "config-not-readable",
      message: `the configuration \`${file}\` cannot be read: ${why}`,
      cause,
    });
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return undefined;
    throw refuse(cause.code ?? cause.message, cause);
  });
  if (handle === undefined) return undefined;
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw refuse("it is no file");
    if (guarded) {
      mustBeGuarded(file, found);
      mustBeGuarded(dirname(file), await stat(dirname(file)));
    }
    const bytes = await readFileAtMost(handle, found.size, MAX_BYTES);
    if (bytes === undefined) throw refuse(`it has more than ${MAX_BYTES} bytes`);
    return bytes;
  } finally {
    await handle.close();
  }
}

const GROUP_OR_OTHERS_WRITE = 0o022;

function mustBeGuarded(path: string, { uid, mode }: Stats): void {
  const own = process.getuid?.();
  if (uid !== 0 && uid !== own) {
    throw unguarded(path, `it belongs to user ${uid}`, "give it to root, or to the user that runs Pinion");
  }
  if ((mode & GROUP_OR_OTHERS_WRITE) !== 0) {
    const found = (mode & 0o777).toString(8);
    throw unguarded(path, `others may change it (mode ${found})`, `\`chmod go-w ${path}\``);
  }
}

function unguarded(path: string, why: string, hint: string): InputError {
  return new InputError({ code: "config-not-guarded", message: `\`${path}\` is not used: ${why}`, hint });
}
