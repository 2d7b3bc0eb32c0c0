import { unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, realDisk, syncFolder, writeWhole } from "../../journal/disk.ts";
import { IntegrityError } from "../../model/errors.ts";
import { isJsonObject, type Json } from "../../model/json.ts";
import { faultOf, isName } from "../../secret/value.ts";
import { openSealed, readSealed, type Sealed, sealFile } from "../../trust/sealed-file.ts";
import { readGuardedFile } from "../guarded.ts";
import { type Environment, unusable } from "../machine.ts";
import { exclusively } from "../trust/memory.ts";

const MAX_BYTES = 4 * 1024 * 1024;
const PURPOSE = "secrets";

/** The user's file of secrets, if there is one. Names can be read without its passphrase. */
export interface SecretsFile {
  readonly path: string;
  readonly names: readonly string[];
  /** Throws `InputError` (`wrong-passphrase`), and `IntegrityError` when what is in it is not what it says. */
  open(passphrase: string): Promise<ReadonlyMap<string, string>>;
}

export function secretsPath({ configDirs }: Pick<Environment, "configDirs">): string {
  return join(configDirs.at(-1) ?? "/nonexistent", "secrets");
}

/** Undefined when there is none. Throws as `readGuardedFile` does, and `IntegrityError` for what is no such file. */
export function readSecretsFile(env: Pick<Environment, "configDirs">): SecretsFile | undefined {
  const path = secretsPath(env);
  const bytes = readGuardedFile(path, { what: "the file of secrets", limit: MAX_BYTES, secret: true });
  if (bytes === undefined) return undefined;
  const sealed = readSealed(Buffer.from(bytes).toString(), { purpose: PURPOSE, file: path });
  const { names } = sealed.clear;
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string" && isName(name))) throw broken(path);
  return { path, names: names as readonly string[], open: (passphrase) => valuesOf(sealed, names, passphrase) };
}

async function valuesOf(
  sealed: Sealed,
  names: readonly Json[],
  passphrase: string,
): Promise<ReadonlyMap<string, string>> {
  const bytes = await openSealed(sealed, passphrase);
  const values: unknown = JSON.parse(Buffer.from(bytes).toString());
  if (!isJsonObject(values) || Object.keys(values).join() !== names.join()) throw broken(sealed.file);
  return new Map(
    Object.entries(values).map(([name, value]) => {
      if (typeof value !== "string" || faultOf(value) !== undefined) throw broken(sealed.file);
      return [name, value] as const;
    }),
  );
}

/** Replaces the file in one step: it has its name when it is whole and on disk, mode 600. Removes it when nothing is left in it. */
export async function writeSecretsFile(
  values: ReadonlyMap<string, string>,
  passphrase: string,
  env: Environment,
): Promise<void> {
  const path = secretsPath(env);
  const sorted = Object.fromEntries([...values].sort(([left], [right]) => (left < right ? -1 : 1)));
  const text = await sealFile({
    bytes: Buffer.from(JSON.stringify(sorted)),
    passphrase,
    purpose: PURPOSE,
    clear: { names: Object.keys(sorted) },
    random: env.random,
  });
  const folder = dirname(path);
  try {
    await makeFolder(realDisk, folder);
    if (values.size > 0) await exclusively(env, () => writeWhole(realDisk, path, Buffer.from(text)));
    else {
      await unlink(path);
      await syncFolder(realDisk, folder);
    }
  } catch (cause) {
    throw unusable(folder, cause);
  }
}

function broken(path: string): IntegrityError {
  return new IntegrityError({ code: "bad-secrets-file", message: `\`${path}\` does not hold what it says` });
}
