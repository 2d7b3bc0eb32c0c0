import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { loadDocument } from "../../src/blueprint/yaml.ts";
import { digestOf } from "../../src/model/canonical.ts";
import type { Keyring } from "../../src/model/generated/keyring.ts";
import { isJsonObject, type JsonObject } from "../../src/model/json.ts";
import { PHASES } from "../../src/model/phase.ts";
import { readSignable } from "../../src/runtime/trust/sign.ts";
import { type SigningKey, signingKey } from "../../src/trust/ed25519.ts";
import { type SignedHook, signHook } from "../../src/trust/signature.ts";
import type { Lab } from "./lab.ts";

/** Keys of tests: known to everybody, and good for nothing else. */
export const keyOf = (number: number): SigningKey => signingKey(Buffer.alloc(32, number));

export interface Signing {
  /** ms since the epoch. */
  readonly signedAt?: number;
  readonly expires?: number | null;
  /** What the signature says instead of the truth. */
  readonly claim?: Partial<SignedHook>;
  /** The last word on the bytes of `hook.sig`. */
  readonly bytes?: (bytes: Uint8Array) => Uint8Array;
}

/** Signs a hook of a lab's blueprint and pins the signature. */
export async function signInBlueprint(
  lab: Lab,
  {
    file,
    hook,
    key,
    signing = {},
  }: { readonly file: string; readonly hook: string; readonly key: SigningKey; readonly signing?: Signing },
): Promise<void> {
  const folder = join(dirname(file), "hooks", hook);
  const signable = await readSignable(folder, lab.env);
  const { signedAt = lab.env.now(), expires = null, claim = {}, bytes: change = (same) => same } = signing;
  const bytes = change(signHook(key, { ...signable.hook, ...claim }, { signedAt, expires }));
  await writeFile(join(folder, "hook.sig"), bytes);
  await changeYaml(file, (blueprint) => {
    const { spec } = blueprint as { spec: { pins: { hooks: { name: string; signature?: string }[] } } };
    for (const pin of spec.pins.hooks) if (pin.name === hook) pin.signature = digestOf(bytes);
  });
}

/** A key in a keyring, for everything unless said otherwise. */
export function entryOf(key: SigningKey, more: JsonObject = {}): JsonObject {
  const everything = { hooks: ["*"], phases: [...PHASES], powers: ["gate", "transform", "observe", "mint"] };
  return { id: "alice", key: key.publicKey.text, owner: "Alice", ...everything, ...more };
}

export type KeyringParts = { readonly keys?: readonly JsonObject[]; readonly revoked?: readonly JsonObject[] };

/** A keyring as its file is read. */
export function keyringValue(parts: KeyringParts): Keyring {
  const text = stringify({ apiVersion: "pinion.dev/v1", kind: "Keyring", ...parts }, { aliasDuplicateObjects: false });
  return loadDocument<Keyring>(Buffer.from(text), { file: "keyring.yaml", schema: "keyring" }).value;
}

/** Writes the keyring of the lab's user, or of its machine. */
export function writeKeyring(lab: Lab, parts: KeyringParts, place: "machine" | "user" = "user"): string {
  const folder = lab.env.configDirs[place === "machine" ? 0 : 1] ?? "";
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "keyring.yaml");
  const document = { apiVersion: "pinion.dev/v1", kind: "Keyring", ...parts };
  writeFileSync(file, stringify(document, { aliasDuplicateObjects: false }));
  chmodSync(file, 0o644);
  return file;
}

async function changeYaml(file: string, change: (document: JsonObject) => void): Promise<void> {
  const document: unknown = parse(await readFile(file, "utf8"));
  if (!isJsonObject(document as JsonObject)) throw new Error(`${file} is no mapping`);
  change(document as JsonObject);
  await writeFile(file, stringify(document, { aliasDuplicateObjects: false }));
}
