import type { ArtifactStore } from "../../artifact/store.ts";
import { PinionError } from "../../model/errors.ts";
import type { PinnedHook } from "../../model/hook.ts";
import { difference } from "../../trust/decide.ts";
import { isEnvelopeSignedBy } from "../../trust/dsse.ts";
import { parsePublicKey } from "../../trust/ed25519.ts";
import type { Keyring } from "../../trust/keyring.ts";
import type { Environment } from "../machine.ts";
import type { Header } from "../spec.ts";
import { readKeyring } from "../trust/keyring.ts";
import { readSigned, type Signed } from "../trust/trust.ts";

/** What the signature of a hook is worth by itself, whoever trusts its key. */
export interface SignatureSeen {
  readonly hook: string;
  /** Why it does not make the hook the trusted one that the header says it is; undefined when it does. */
  readonly refused: string | undefined;
  /** The public key, as text. */
  readonly key: string;
  /** What this machine knows of the key. It decides nothing. */
  readonly known: string;
}

/** Verifies the signatures that a header says were trusted. Bytes come by digest from the store. */
export async function signaturesOf(
  hooks: readonly PinnedHook[],
  trust: Header["trust"],
  store: ArtifactStore,
  env: Environment,
): Promise<readonly SignatureSeen[]> {
  const signed = hooks.filter(({ signature }) => signature !== null);
  const unsigned = Object.keys(trust).filter((name) => !signed.some((hook) => hook.name === name));
  const seen = unsigned.map((hook): SignatureSeen => {
    const refused = "the header says that it was trusted, and the blueprint pins no signature of it";
    return { hook, refused, key: "", known: "" };
  });
  if (signed.length === 0) return seen;
  const keyring = keyringOf(env);
  for (const hook of signed) seen.push(await signatureOf(hook, trust, store, keyring));
  return seen;
}

async function signatureOf(
  hook: PinnedHook,
  trust: Header["trust"],
  store: ArtifactStore,
  keyring: Keyring | string,
): Promise<SignatureSeen> {
  const signer = Object.hasOwn(trust, hook.name) ? trust[hook.name] : undefined;
  const seen = { hook: hook.name, key: signer?.key ?? "", known: "" };
  if (signer === undefined) {
    return { ...seen, refused: "the blueprint pins its signature, and the header does not say who was trusted for it" };
  }
  try {
    const [signed] = await readSigned([hook], store);
    const refused = signed === undefined ? "there is no signature" : whyRefused(signed, signer.key);
    return { ...seen, refused, known: knownOf(signer.key, keyring) };
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    return { ...seen, refused: error.message };
  }
}

function whyRefused({ hook, signature }: Signed, key: string): string | undefined {
  const other = difference(hook, signature);
  if (other !== undefined) return `its signature is about another hook: ${other}`;
  if (signature.keyid !== key) return `it is signed by \`${signature.keyid}\`, and the header says \`${key}\``;
  return isEnvelopeSignedBy(parsePublicKey(key), signature.envelope)
    ? undefined
    : `its signature is not that of \`${key}\``;
}

function keyringOf(env: Environment): Keyring | string {
  try {
    return readKeyring(env);
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    return error.message;
  }
}

function knownOf(key: string, keyring: Keyring | string): string {
  if (typeof keyring === "string") return `the keyring of this machine cannot be read: ${keyring}`;
  const revocation = keyring.revoked.get(key);
  if (revocation !== undefined) {
    return `this machine knows that the key was revoked on ${revocation.at}: ${revocation.reason}`;
  }
  const entry = keyring.keys.get(key);
  return entry === undefined
    ? "the keyring of this machine does not know the key"
    : `this machine knows the key as \`${entry.id}\` (${entry.owner})`;
}
