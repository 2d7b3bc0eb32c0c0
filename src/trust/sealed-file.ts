import { createCipheriv, createDecipheriv, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { canonicalJson } from "../model/canonical.ts";
import { InputError, IntegrityError } from "../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";

const FORMAT = "pinion-sealed/1";
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_BYTES = 4 * 1024 * 1024;
/** log2 of scrypt's N, with r = 8 and p = 1: 128 MiB, some tenths of a second. */
const COST = 17;
/** What a file may ask for: 16 MiB to 1 GiB of memory. Less is a file that somebody weakened, more one that stops the machine. */
const COSTS = { least: 14, most: 20 };
const BLOCK = 8;

const derive = promisify<string, Uint8Array, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scrypt,
);

export interface Sealing {
  readonly bytes: Uint8Array;
  readonly passphrase: string;
  /** What the file is, e.g. `secrets`: it does not open as anything else. */
  readonly purpose: string;
  /** What anybody may read without the passphrase. It is authenticated with the rest. */
  readonly clear?: JsonObject;
  /** Cryptographically strong. */
  readonly random: (bytes: number) => Uint8Array;
  /** log2 of scrypt's N. */
  readonly cost?: number;
}

/** A sealed file: whose passphrase it takes is unknown until one is tried. */
export interface Sealed {
  readonly clear: JsonObject;
  readonly header: JsonObject;
  readonly cost: number;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly data: Uint8Array;
  readonly file: string;
}

/**
 * The text of a file that opens with the passphrase only: AES-256-GCM (NIST SP 800-38D) under a key that scrypt (RFC 7914)
 * derives from it. The passphrase counts in its composed form (NFC), so that it is the same on every keyboard.
 */
export async function sealFile(sealing: Sealing): Promise<string> {
  const { bytes, passphrase, purpose, clear = {}, random, cost = COST } = sealing;
  const salt = random(SALT_BYTES);
  const nonce = random(NONCE_BYTES);
  const header = {
    format: FORMAT,
    purpose,
    clear,
    kdf: { name: "scrypt", cost, salt: base64(salt) },
    cipher: { name: "aes-256-gcm", nonce: base64(nonce) },
  };
  const cipher = createCipheriv("aes-256-gcm", await keyOf(passphrase, salt, cost), nonce);
  cipher.setAAD(Buffer.from(canonicalJson(header)));
  const data = Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  return `${JSON.stringify({ ...header, data: base64(data) }, undefined, 2)}\n`;
}

/** Reads what is not sealed. Throws `IntegrityError` for what is no sealed file of this purpose. */
export function readSealed(
  text: string,
  { purpose, file }: { readonly purpose: string; readonly file: string },
): Sealed {
  const found = parse(text);
  if (!isJsonObject(found)) throw broken(file, "it is not a JSON object");
  const { data: sealed, ...header } = found;
  const { format, purpose: stated, clear, kdf, cipher } = header;
  if (format !== FORMAT) throw broken(file, `expected format \`${FORMAT}\`, found ${JSON.stringify(format)}`);
  if (stated !== purpose) throw broken(file, `expected \`${purpose}\`, found ${JSON.stringify(stated)}`);
  if (!isJsonObject(clear) || !isJsonObject(kdf) || !isJsonObject(cipher))
    throw broken(file, "parts of it are missing");
  const { cost } = kdf;
  if (kdf.name !== "scrypt" || cipher.name !== "aes-256-gcm") throw broken(file, "its algorithms are not known");
  if (typeof cost !== "number" || !Number.isInteger(cost) || cost < COSTS.least || cost > COSTS.most) {
    throw broken(file, `its cost must be ${COSTS.least} to ${COSTS.most}, found ${JSON.stringify(cost)}`);
  }
  const salt = bytesOf(kdf.salt);
  const nonce = bytesOf(cipher.nonce);
  const data = bytesOf(sealed);
  if (salt?.length !== SALT_BYTES || nonce?.length !== NONCE_BYTES || data === undefined || data.length < TAG_BYTES) {
    throw broken(file, "its salt, nonce or data are not base64 of the right length");
  }
  return { clear, header, cost, salt, nonce, data, file };
}

/** The bytes. Throws `InputError` (`wrong-passphrase`) for another passphrase, which a changed file cannot be told from. */
export async function openSealed(sealed: Sealed, passphrase: string): Promise<Uint8Array> {
  const { header, cost, salt, nonce, data, file } = sealed;
  const cipher = createDecipheriv("aes-256-gcm", await keyOf(passphrase, salt, cost), nonce, {
    authTagLength: TAG_BYTES,
  });
  cipher.setAAD(Buffer.from(canonicalJson(header)));
  cipher.setAuthTag(data.subarray(data.length - TAG_BYTES));
  const bytes = cipher.update(data.subarray(0, data.length - TAG_BYTES));
  try {
    cipher.final();
  } catch (cause) {
    const message = `\`${file}\` does not open: the passphrase is another one, or the file was changed`;
    throw new InputError({ code: "wrong-passphrase", message, cause });
  }
  return bytes;
}

function keyOf(passphrase: string, salt: Uint8Array, cost: number): Promise<Buffer> {
  const N = 2 ** cost;
  return derive(passphrase.normalize("NFC"), salt, KEY_BYTES, { N, r: BLOCK, p: 1, maxmem: 2 * 128 * N * BLOCK });
}

function parse(text: string): Json | undefined {
  if (text.length > MAX_BYTES) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function bytesOf(value: Json | undefined): Buffer | undefined {
  if (typeof value !== "string") return undefined;
  const bytes = Buffer.from(value, "base64");
  return bytes.toString("base64") === value ? bytes : undefined;
}

function broken(file: string, why: string): IntegrityError {
  return new IntegrityError({ code: "bad-sealed-file", message: `\`${file}\` cannot be used: ${why}` });
}
