import { lstatSync } from "node:fs";
import { chmod, link, mkdir, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncFolder } from "../../authoring/replace.ts";
import { InputError, WorldError } from "../../model/errors.ts";
import type { SigningKey } from "../../trust/ed25519.ts";
import { MAX_KEY_FILE_BYTES, openPrivateKey, publicKeyIn, sealPrivateKey } from "../../trust/private-key.ts";
import { readGuardedFile } from "../guarded.ts";
import type { Environment } from "../machine.ts";
import { mustNotBeRevoked, readKeyring } from "./keyring.ts";

/** A new key: its file, and the public half as text. */
export interface NewKey {
  readonly name: string;
  readonly file: string;
  readonly key: string;
}

/**
 * Makes a key and keeps it, sealed with the passphrase, as `<folder>/<name>.key`, mode 600; `keys` of the user's configuration unless
 * a folder is given, made with mode 700. Throws `InputError` for a name that is none, an empty passphrase, and a file that is there already.
 */
export async function generateKey(
  {
    name,
    folder,
    passphrase,
  }: { readonly name: string; readonly folder: string | undefined; readonly passphrase: string },
  env: Environment,
): Promise<NewKey> {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 64) {
    const message = `\`${name}\` cannot be the name of a key: expected lower-case letters, digits and single hyphens, at most 64`;
    throw new InputError({ code: "bad-key-name", message });
  }
  const place = folder ?? join(env.configDirs.at(-1) ?? env.cwd, "keys");
  const file = join(place, `${name}.key`);
  mustBeFree(file);
  const text = await sealPrivateKey(env.random(32), mustBeGiven(passphrase), env);
  await writeOnce(file, text, folder === undefined);
  return { name, file, key: publicKeyIn(text, file) };
}

/** Opens a key's file. Throws `InputError` for another passphrase, `IntegrityError` where others may read the file. */
export async function openKeyFile(file: string, passphrase: string): Promise<SigningKey> {
  return openPrivateKey(readKeyFile(file), mustBeGiven(passphrase), file);
}

/** The same, to sign a hook with. Throws `InputError` too for a key that was revoked here: nothing that it signs would be trusted. */
export async function openSigner(file: string, passphrase: string, env: Environment): Promise<SigningKey> {
  const key = await openKeyFile(file, passphrase);
  mustNotBeRevoked(key.publicKey.text, readKeyring(env));
  return key;
}

/** The public key in a key's file; the passphrase is not needed. Throws as `openKeyFile` does. */
export function publicKeyOfFile(file: string): string {
  return publicKeyIn(readKeyFile(file), file);
}

function readKeyFile(file: string): string {
  const bytes = readGuardedFile(file, { what: "the key", limit: MAX_KEY_FILE_BYTES, secret: true });
  if (bytes !== undefined) return Buffer.from(bytes).toString();
  throw new InputError({ code: "no-key", message: `there is no key \`${file}\``, hint: "`hook keygen` makes one" });
}

function mustBeGiven(passphrase: string): string {
  if (passphrase.length > 0) return passphrase;
  throw new InputError({ code: "no-passphrase", message: "the passphrase is empty: a key is never kept without one" });
}

function mustBeFree(file: string): void {
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return;
  throw new InputError({
    code: "key-exists",
    message: `\`${file}\` is there already, and a key is never overwritten`,
    hint: "choose another name; a key that is no longer used can be rotated with `hook trust rotate`",
  });
}

/** The file has its name when it is whole and on disk. */
async function writeOnce(file: string, text: string, ownFolder: boolean): Promise<void> {
  const folder = dirname(file);
  const partial = `${file}.${process.pid}.partial`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (ownFolder) await chmod(folder, 0o700);
    const handle = await open(partial, "wx", 0o600);
    try {
      await handle.chmod(0o600);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(partial, file);
    await rm(partial);
    await syncFolder(folder);
  } catch (cause) {
    await rm(partial, { force: true });
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") mustBeFree(file);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new WorldError({ code: "key-not-written", message: `the key \`${file}\` cannot be written: ${why}`, cause });
  }
}
