import { canonicalJson } from "../model/canonical.ts";
import { isJsonObject, type Json } from "../model/json.ts";
import { type Envelope, isEnvelopeSignedBy, signEnvelope, toEnvelope } from "./dsse.ts";
import type { PublicKey, SigningKey } from "./ed25519.ts";

export const CHECKPOINT_TYPE = "application/vnd.pinion.checkpoint+json";

/** Signs what a checkpoint says; the line of its envelope, without LF. */
export function signCheckpoint(key: SigningKey, payload: string): string {
  return signEnvelope(key, CHECKPOINT_TYPE, Buffer.from(payload));
}

/** A checkpoint whose form is right. Whom to believe is asked of `isSigned`. */
export interface SignedCheckpoint {
  /** Canonical JSON of an object. */
  readonly payload: string;
  readonly keyids: readonly string[];
  readonly envelope: Envelope;
}

/** Strict: undefined for whatever `signCheckpoint` would not have written. */
export function toCheckpoint(json: Json): SignedCheckpoint | undefined {
  const envelope = toEnvelope(json);
  if (envelope === undefined || envelope.payloadType !== CHECKPOINT_TYPE) return undefined;
  const payload = Buffer.from(envelope.payload).toString();
  return isCanonical(payload)
    ? { payload, keyids: envelope.signatures.map(({ keyid }) => keyid), envelope }
    : undefined;
}

export function isSigned(key: PublicKey, { envelope }: SignedCheckpoint): boolean {
  return isEnvelopeSignedBy(key, envelope);
}

function isCanonical(text: string): boolean {
  try {
    const json: Json = JSON.parse(text);
    return isJsonObject(json) && canonicalJson(json) === text;
  } catch {
    return false;
  }
}
