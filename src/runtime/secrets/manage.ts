import { InputError } from "../../model/errors.ts";
import { faultOf, isName, nameOfVariable, trimmed } from "../../secret/value.ts";
import type { Environment } from "../machine.ts";
import { readSecretsFile, type SecretsFile, secretsPath, writeSecretsFile } from "./file.ts";

/** A secret that the user has, and where. */
export interface SecretRow {
  readonly name: string;
  /** The environment comes first where it is in both. */
  readonly from: "environment" | "file";
}

/** Names only; no passphrase is needed. */
export function listSecrets(env: Environment): { readonly file: string; readonly secrets: readonly SecretRow[] } {
  const secrets = new Map<string, SecretRow>();
  for (const name of readSecretsFile(env)?.names ?? []) secrets.set(name, { name, from: "file" });
  for (const [variable, value] of Object.entries(env.env)) {
    const name = nameOfVariable(variable);
    if (value && name !== undefined) secrets.set(name, { name, from: "environment" });
  }
  const sorted = [...secrets.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  return { file: secretsPath(env), secrets: sorted };
}

/** Asks for the one of a file that is there, or for a new one. */
export type Passphrase = (file: { readonly path: string; readonly isNew: boolean }) => Promise<string>;

/**
 * Puts a secret into the user's file, which is made with it if need be. Throws `InputError` for a name or a value that cannot be one
 * and for a wrong passphrase.
 */
export async function setSecret(
  {
    name,
    value,
    passphrase,
  }: { readonly name: string; readonly value: () => Promise<string>; readonly passphrase: Passphrase },
  env: Environment,
): Promise<{ readonly name: string; readonly file: string; readonly replaced: boolean }> {
  mustBeName(name);
  const { known, word } = await opened(readSecretsFile(env), passphrase, env);
  const given = trimmed(await value());
  const fault = faultOf(given);
  if (fault !== undefined) {
    throw new InputError({ code: "bad-secret", message: `the value of \`${name}\` cannot be a secret: ${fault}` });
  }
  await writeSecretsFile(new Map([...known, [name, given]]), word, env);
  return { name, file: secretsPath(env), replaced: known.has(name) };
}

/** Takes a secret out of the user's file. Throws `InputError` where it is not in there, and for a wrong passphrase. */
export async function removeSecret(
  { name, passphrase }: { readonly name: string; readonly passphrase: Passphrase },
  env: Environment,
): Promise<{ readonly name: string; readonly file: string }> {
  mustBeName(name);
  const file = readSecretsFile(env);
  if (file?.names.includes(name) !== true) {
    const message = `there is no secret \`${name}\` in \`${secretsPath(env)}\``;
    throw new InputError({ code: "no-such-secret", message, hint: "`pinion secret list` names them" });
  }
  const { known, word } = await opened(file, passphrase, env);
  await writeSecretsFile(new Map([...known].filter(([other]) => other !== name)), word, env);
  return { name, file: file.path };
}

async function opened(
  file: SecretsFile | undefined,
  passphrase: Passphrase,
  env: Environment,
): Promise<{ readonly known: ReadonlyMap<string, string>; readonly word: string }> {
  const word = await passphrase({ path: secretsPath(env), isNew: file === undefined });
  if (word === "") throw new InputError({ code: "no-passphrase", message: "the passphrase is empty" });
  return { known: (await file?.open(word)) ?? new Map<string, string>(), word };
}

function mustBeName(name: string): void {
  if (isName(name)) return;
  throw new InputError({
    code: "bad-secret-name",
    message: `\`${name}\` is no name of a secret: expected lower-case letters, digits and single hyphens, at most 64 characters`,
  });
}
