import { lstatSync } from "node:fs";
import { join } from "node:path";
import { MAX_BYTES } from "../../blueprint/text.ts";
import { loadDocument } from "../../blueprint/yaml.ts";
import { InputError } from "../../model/errors.ts";
import type { Keyring as KeyringFile } from "../../model/generated/keyring.ts";
import { joinKeyrings, type Keyring, type KeyringSource, type Place } from "../../trust/keyring.ts";
import { readConfiguration } from "../config.ts";
import { readGuardedFile } from "../guarded.ts";
import type { Environment } from "../machine.ts";

type Folders = Pick<Environment, "configDirs">;

/**
 * What machine and user say of keys. Throws `IntegrityError` for a file that others can write to and for a rotation that does not hold,
 * `InvalidFileError` with every fault of a file, and `InputError` for one that cannot be read.
 */
export function readKeyring(env: Folders): Keyring {
  const { userKeys } = readConfiguration(env).trust;
  const sources = keyringFiles(env).flatMap(({ file, place }): KeyringSource[] => {
    const value = readKeyringFile(file)?.value;
    return value === undefined ? [] : [{ file, place, value, adds: place === "machine" || userKeys }];
  });
  return joinKeyrings(sources);
}

/** Throws `InputError` for a key, as text, that one of them revoked. */
export function mustNotBeRevoked(key: string, { revoked }: Keyring): void {
  const revocation = revoked.get(key);
  if (revocation === undefined) return;
  throw new InputError({
    code: "key-revoked",
    message: `\`${key}\` was revoked by the ${revocation.place}'s keyring on ${revocation.at}: ${revocation.reason}`,
    hint: "a revocation is taken back by whoever edits that file",
  });
}

/** The keyring files of machine and user, whether they are there or not. */
export function keyringFiles({ configDirs }: Folders): readonly { readonly file: string; readonly place: Place }[] {
  return configDirs.map((folder, at) => ({
    file: join(folder, "keyring.yaml"),
    place: at < configDirs.length - 1 ? "machine" : "user",
  }));
}

/** One file, undefined when it is not there. Throws as `readKeyring` does. */
export function readKeyringFile(file: string): { readonly text: string; readonly value: KeyringFile } | undefined {
  const bytes = readGuardedFile(file, { what: "the keyring", limit: MAX_BYTES });
  if (bytes === undefined) return undefined;
  const { value } = loadDocument<KeyringFile>(bytes, { file, schema: "keyring" });
  return { text: Buffer.from(bytes).toString(), value };
}

/** Another text whenever a file that `readKeyring` reads may have changed. */
export function keyringStamp({ configDirs }: Folders): string {
  return configDirs
    .flatMap((folder) => [folder, join(folder, "keyring.yaml"), join(folder, "config.yaml")])
    .map(stampOf)
    .join();
}

function stampOf(path: string): string {
  try {
    const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (found === undefined) return "none";
    const { ino, size, mode, uid, ctimeNs } = found;
    return `${ino}/${size}/${mode}/${uid}/${ctimeNs}`;
  } catch (cause) {
    return cause instanceof Error && "code" in cause ? String(cause.code) : "?"; // reading it says what is wrong
  }
}
