import { IntegrityError } from "../model/errors.ts";
import { parsePublicKey, type SigningKey, signingKey } from "./ed25519.ts";
import { openSealed, readSealed, sealFile } from "./sealed-file.ts";

const PURPOSE = "signing-key";
/** No file of a key is larger. */
export const MAX_KEY_FILE_BYTES = 4096;

/** The text of a private key's file: the public key in clear, the 32 secret bytes sealed. `random`: of a cryptographic source. */
export async function sealPrivateKey(
  seed: Uint8Array,
  passphrase: string,
  { random, cost }: { random(bytes: number): Uint8Array; readonly cost?: number },
): Promise<string> {
  const clear = { key: signingKey(seed).publicKey.text };
  const costs = cost === undefined ? {} : { cost };
  return sealFile({ bytes: seed, passphrase, purpose: PURPOSE, clear, random: (bytes) => random(bytes), ...costs });
}

/** The key in the text of such a file. Throws `IntegrityError` for another form, and where the passphrase is wrong or anything was changed. */
export async function openPrivateKey(text: string, passphrase: string, file: string): Promise<SigningKey> {
  const key = publicKeyIn(text, file);
  const seed = await openSealed(readSealed(text, { purpose: PURPOSE, file }), passphrase);
  if (seed.length !== 32) throw bad(file, `expected 32 secret bytes, found ${seed.length}`);
  const opened = signingKey(seed);
  if (opened.publicKey.text === key) return opened;
  throw bad(file, `its secret is that of \`${opened.publicKey.text}\`, and it says \`${key}\``);
}

/** The public key that such a file names, without its secret. Throws `IntegrityError`. */
export function publicKeyIn(text: string, file: string): string {
  const { key } = readSealed(text, { purpose: PURPOSE, file }).clear;
  if (typeof key === "string") return parsePublicKey(key).text;
  throw bad(file, "it names no public key");
}

function bad(file: string, why: string): IntegrityError {
  return new IntegrityError({ code: "bad-key-file", message: `\`${file}\` is not a private key: ${why}` });
}
