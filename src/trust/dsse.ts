import { canonicalJson } from "../model/canonical.ts";
import { isJsonObject, type Json } from "../model/json.ts";
import { isSignedBy, type PublicKey, type SigningKey } from "./ed25519.ts";

/** An envelope of DSSE 1.0 (https://github.com/secure-systems-lab/dsse), taken apart. */
export interface Envelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly { readonly keyid: string; readonly sig: Uint8Array }[];
}

const MOST_SIGNATURES = 16;

/** Pre-authentication encoding: the bytes that are signed. Lengths are in bytes, so that nothing moves between the parts. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType);
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${payload.length} `), payload]);
}

/** The canonical JSON of an envelope with one signature; `keyid` is the text of the public key. */
export function signEnvelope(key: SigningKey, payloadType: string, payload: Uint8Array): string {
  const sig = key.sign(preAuthEncoding(payloadType, payload));
  return canonicalJson({
    payload: Buffer.from(payload).toString("base64"),
    payloadType,
    signatures: [{ keyid: key.publicKey.text, sig: Buffer.from(sig).toString("base64") }],
  });
}

/**
 * The envelope that this JSON value is, or undefined: members of other names, base64 that is not canonical, no signature or
 * too many are refused. Nothing is verified.
 */
export function toEnvelope(json: Json): Envelope | undefined {
  if (!isJsonObject(json) || !hasExactly(json, ["payload", "payloadType", "signatures"])) return undefined;
  const { payload, payloadType, signatures } = json;
  const bytes = base64(payload);
  if (bytes === undefined || typeof payloadType !== "string" || !Array.isArray(signatures)) return undefined;
  const read = signatures.flatMap((one: Json) => {
    const sig = isJsonObject(one) && hasExactly(one, ["keyid", "sig"]) ? base64(one.sig) : undefined;
    return sig !== undefined && isJsonObject(one) && typeof one.keyid === "string" ? [{ keyid: one.keyid, sig }] : [];
  });
  if (read.length === 0 || read.length !== signatures.length || read.length > MOST_SIGNATURES) return undefined;
  return { payloadType, payload: bytes, signatures: read };
}

/** Whether a signature that names this key is this key's over the envelope's type and payload. No other key is tried. */
export function isEnvelopeSignedBy(key: PublicKey, { payloadType, payload, signatures }: Envelope): boolean {
  const message = preAuthEncoding(payloadType, payload);
  return signatures.some(({ keyid, sig }) => keyid === key.text && isSignedBy(key, message, sig));
}

function hasExactly(json: object, keys: readonly string[]): boolean {
  const found = Object.keys(json);
  return found.length === keys.length && found.every((key) => keys.includes(key));
}

function base64(text: Json | undefined): Uint8Array | undefined {
  if (typeof text !== "string") return undefined;
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}
