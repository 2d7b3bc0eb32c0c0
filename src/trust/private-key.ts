import { createCipheriv, createDecipheriv, type ScryptOptions, scrypt } from "node:crypto";
import { canonicalJson } from "../model/canonical.ts";
import { IntegrityError } from "../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { type SigningKey, signingKey } from "./ed25519.ts";

const KIND = "pinion-signing-key";
/** RFC 7914 §2; takes 128 MiB and about half a second. */
const COST = { n: 2 ** 17, r: 8, p: 1 } as const;
/** What a file may ask for at most: bytes of memory, and work as n · r · p. */
const MAX_MEMORY = 1024 ** 3;
const MAX_WORK = 2 ** 24;
const SALT_BYTES = 32;
const NONCE_BYTES = 12;
const SEALED_BYTES = 32 + 16;
/** No file of a key is larger. */
export const MAX_KEY_FILE_BYTES = 4096;

interface Cost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/**
 * The text of a private key's file: the public key in clear, the 32 secret bytes under AES-256-GCM with a key that scrypt (RFC 7914)
 * makes of the passphrase. All other members are authenticated too. `random`: of a cryptographic source. `cost` is for tests.
 */
export async function sealPrivateKey(
  seed: Uint8Array,
  passphrase: Uint8Array,
  { random, cost = COST }: { random(bytes: number): Uint8Array; readonly cost?: Cost },
): Promise<string> {
  const nonce = random(NONCE_BYTES);
  const kdf = { name: "scrypt", ...cost, salt: base64(random(SALT_BYTES)) };
  const header = { kind: KIND, version: 1, key: signingKey(seed).publicKey.text, kdf, cipher: "aes-256-gcm" };
  const clear = { ...header, nonce: base64(nonce) };
  const cipher = createCipheriv("aes-256-gcm", await derive(passphrase, kdf), nonce);
  cipher.setAAD(Buffer.from(canonicalJson(clear)));
  const sealed = Buffer.concat([cipher.update(seed), cipher.final(), cipher.getAuthTag()]);
  return `${JSON.stringify({ ...clear, sealed: base64(sealed) }, undefined, 2)}\n`;
}

/**
 * The key in the text of such a file. Throws `IntegrityError` for another form, for parameters that ask for too much, and where the
 * passphrase is wrong or anything was changed: which of the two cannot be told.
 */
export async function openPrivateKey(text: string, passphrase: Uint8Array, file: string): Promise<SigningKey> {
  const { clear, kdf, nonce, sealed, key } = read(text, file);
  const decipher = createDecipheriv("aes-256-gcm", await derive(passphrase, kdf), nonce);
  decipher.setAAD(Buffer.from(canonicalJson(clear)));
  decipher.setAuthTag(sealed.subarray(32));
  let seed: Buffer;
  try {
    seed = Buffer.concat([decipher.update(sealed.subarray(0, 32)), decipher.final()]);
  } catch (cause) {
    throw new IntegrityError({
      code: "key-not-opened",
      message: `the passphrase does not open \`${file}\`, or the file was changed`,
      cause,
    });
  }
  const opened = signingKey(seed);
  if (opened.publicKey.text === key) return opened;
  throw bad(file, `its secret is that of \`${opened.publicKey.text}\`, and it says \`${key}\``);
}

/** The public key that such a file names, without its secret. Throws `IntegrityError`. */
export function publicKeyIn(text: string, file: string): string {
  return read(text, file).key;
}

interface Read {
  readonly clear: JsonObject;
  readonly kdf: Cost & { readonly salt: string };
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
  readonly key: string;
}

function read(text: string, file: string): Read {
  const json = parsed(text);
  if (!isJsonObject(json)) throw bad(file, "it is no JSON object");
  const { sealed, ...clear } = json;
  const { kind, version, key, kdf, cipher, nonce } = clear;
  if (kind !== KIND || version !== 1 || cipher !== "aes-256-gcm" || typeof key !== "string") {
    throw bad(file, `expected \`kind\` \`${KIND}\`, \`version\` 1, \`cipher\` \`aes-256-gcm\` and a \`key\``);
  }
  const { name, n, r, p, salt } = isJsonObject(kdf) ? kdf : {};
  if (name !== "scrypt" || typeof n !== "number" || typeof r !== "number" || typeof p !== "number") {
    throw bad(file, "expected `kdf` to be `scrypt` with `n`, `r` and `p`");
  }
  const positive = [n, r, p].every((value) => Number.isSafeInteger(value) && value > 0);
  if (!positive || n < 2 || !Number.isInteger(Math.log2(n)) || 128 * n * r > MAX_MEMORY || n * r * p > MAX_WORK) {
    throw bad(file, `its parameters of scrypt are not sensible: n ${n}, r ${r}, p ${p}`);
  }
  return {
    clear,
    key,
    kdf: { n, r, p, salt: base64(bytesOf(salt, SALT_BYTES, { file, name: "salt" })) },
    nonce: bytesOf(nonce, NONCE_BYTES, { file, name: "nonce" }),
    sealed: bytesOf(sealed, SEALED_BYTES, { file, name: "sealed" }),
  };
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined; // the caller says that it is no key
  }
}

function bytesOf(
  json: Json | undefined,
  length: number,
  { file, name }: { readonly file: string; readonly name: string },
): Uint8Array {
  const bytes = typeof json === "string" ? Buffer.from(json, "base64") : Buffer.alloc(0);
  if (bytes.length === length && bytes.toString("base64") === json) return bytes;
  throw bad(file, `expected \`${name}\` to be ${length} bytes in base64`);
}

function derive(passphrase: Uint8Array, { n, r, p, salt }: Read["kdf"]): Promise<Uint8Array> {
  const options: ScryptOptions = { N: n, r, p, maxmem: 2 * MAX_MEMORY };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, Buffer.from(salt, "base64"), 32, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function bad(file: string, why: string): IntegrityError {
  return new IntegrityError({ code: "bad-key-file", message: `\`${file}\` is not a private key: ${why}` });
}
