import type { AnswerStatement } from "../model/approval.ts";
import { canonicalJson } from "../model/canonical.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { isEnvelopeSignedBy, signEnvelope, toEnvelope } from "./dsse.ts";
import { parsePublicKey, type SigningKey } from "./ed25519.ts";

export const ANSWER_TYPE = "application/vnd.pinion.answer+json";

/** Signs an answer to an approval. `at`: when, in ms since the epoch; it is the signer's word. */
export function signAnswer(key: SigningKey, statement: AnswerStatement, at: number): JsonObject {
  const payload = Buffer.from(canonicalJson({ ...statement, at }));
  return JSON.parse(signEnvelope(key, ANSWER_TYPE, payload)) as JsonObject;
}

/** The public keys, as text, that signed exactly this statement. Never throws: what is malformed is signed by nobody. */
export function signersOfAnswer(envelope: JsonObject, statement: AnswerStatement): readonly string[] {
  const read = toEnvelope(envelope);
  if (read === undefined || read.payloadType !== ANSWER_TYPE) return [];
  const text = Buffer.from(read.payload).toString();
  const { at, ...said } = parsed(text) ?? {};
  if (typeof at !== "number" || canonicalJson({ ...said, at }) !== text) return [];
  if (canonicalJson(said) !== canonicalJson(statement)) return [];
  return read.signatures
    .map(({ keyid }) => keyid)
    .filter((keyid) => {
      try {
        return isEnvelopeSignedBy(parsePublicKey(keyid), read);
      } catch {
        return false; // no key that may be used
      }
    });
}

function parsed(text: string): JsonObject | undefined {
  try {
    const json: Json = JSON.parse(text);
    return isJsonObject(json) ? json : undefined;
  } catch {
    return undefined; // what is malformed is signed by nobody
  }
}
