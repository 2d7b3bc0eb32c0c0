import { closeSync, constants, fstatSync, openSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { readAtMost } from "../blueprint/bounded.ts";
import { InputError, IntegrityError, type PinionError } from "../model/errors.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const WRITABLE_BY_OTHERS = 0o022;
const OPEN_TO_OTHERS = 0o077;

export interface Guard {
  /** In words: `the keyring`. */
  readonly what: string;
  /** Bytes. */
  readonly limit: number;
  /** True: nobody but the owner may even read it. */
  readonly secret?: boolean;
}

/**
 * The bytes of a file that only its owner, this user or root, can have written: a regular file, not a link, that neither group nor
 * others may write to, as they may not to its folder. Undefined when there is none. Throws `IntegrityError` for what others may have
 * written, or read where it is secret, and `InputError` for what cannot be read.
 */
export function readGuardedFile(path: string, guard: Guard): Uint8Array | undefined {
  const folder = openOr(dirname(path), O_RDONLY | O_DIRECTORY, guard, path);
  if (folder === undefined) return undefined;
  try {
    const fd = openOr(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, guard, path);
    if (fd === undefined) return undefined;
    try {
      const found = fstatSync(fd);
      if (!found.isFile()) throw unsafe(path, guard, "it is not a regular file");
      mustBeOwn(found, { path, guard, forbidden: guard.secret === true ? OPEN_TO_OTHERS : WRITABLE_BY_OTHERS });
      mustBeOwn(fstatSync(folder), { path: dirname(path), guard, forbidden: WRITABLE_BY_OTHERS });
      const bytes = readAtMost(fd, guard.limit);
      if (bytes !== undefined) return bytes;
      throw notReadable(path, guard, `it has more than ${guard.limit} bytes`);
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(folder);
  }
}

function openOr(at: string, flags: number, guard: Guard, path: string): number | undefined {
  try {
    return openSync(at, flags);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === "ELOOP") throw unsafe(path, guard, "it is a symbolic link, which is not followed");
    throw notReadable(path, guard, code ?? message);
  }
}

function mustBeOwn(
  { uid, mode }: Stats,
  { path, guard, forbidden }: { readonly path: string; readonly guard: Guard; readonly forbidden: number },
): void {
  const me = process.geteuid?.() ?? 0;
  if (uid !== 0 && uid !== me)
    throw unsafe(path, guard, `\`${path}\` belongs to user ${uid}, neither to you nor to root`);
  if ((mode & forbidden) === 0) return;
  const may = forbidden === OPEN_TO_OTHERS ? "read or change" : "write to";
  throw unsafe(path, guard, `others may ${may} \`${path}\` (mode ${(mode & 0o777).toString(8)})`);
}

function unsafe(path: string, { what, secret }: Guard, why: string): PinionError {
  return new IntegrityError({
    code: "file-not-safe",
    message: `${what} \`${path}\` is not used: ${why}`,
    hint:
      secret === true
        ? "`chmod 600` the file and `chmod 700` its folder"
        : "make sure that only its owner can change file and folder: `chmod go-w`",
  });
}

function notReadable(path: string, { what }: Guard, why: string): PinionError {
  return new InputError({ code: "file-not-readable", message: `${what} \`${path}\` cannot be read: ${why}` });
}
