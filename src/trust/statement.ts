import { canonicalJson, type Digest } from "../model/canonical.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { type Envelope, signEnvelope, toEnvelope } from "./dsse.ts";
import type { SigningKey } from "./ed25519.ts";

/** https://github.com/in-toto/attestation/blob/main/spec/v1/envelope.md */
export const STATEMENT_TYPE = "application/vnd.in-toto+json";
const STATEMENT = "https://in-toto.io/Statement/v1";

/** What a statement of in-toto (v1) is about: names, each with the sha256 of what it stands for. */
export type Subjects = Readonly<Record<string, Digest>>;

/** A statement in its envelope. Whose signature it bears is asked of `isEnvelopeSignedBy`. */
export interface Statement {
  readonly subjects: Subjects;
  readonly predicate: JsonObject;
  readonly keyid: string;
  readonly envelope: Envelope;
}

interface Parts {
  readonly subjects: Subjects;
  readonly predicateType: string;
  readonly predicate: JsonObject;
}

/** The canonical JSON of an envelope around a statement whose payload is canonical (RFC 8785); one line without LF. */
export function signStatement(key: SigningKey, parts: Parts): string {
  return signEnvelope(key, STATEMENT_TYPE, Buffer.from(canonicalJson(statementOf(parts))));
}

/**
 * Strict: undefined for every text that `signStatement` would not have written for this type of predicate, so that no byte of it
 * can be changed without being noticed: envelope and payload must be canonical, with one signature.
 */
export function readStatement(text: string, predicateType: string): Statement | undefined {
  const json = canonical(text);
  const envelope = json === undefined ? undefined : toEnvelope(json);
  const [signature, ...more] = envelope?.signatures ?? [];
  if (envelope?.payloadType !== STATEMENT_TYPE || signature === undefined || more.length > 0) return undefined;
  const payload = canonical(new TextDecoder("utf-8", { ignoreBOM: true }).decode(envelope.payload));
  if (!isJsonObject(payload) || !isJsonObject(payload.predicate)) return undefined;
  const subjects = toSubjects(payload.subject);
  const { predicate } = payload;
  const same = canonicalJson(statementOf({ subjects, predicateType, predicate })) === canonicalJson(payload);
  return same ? { subjects, predicate, keyid: signature.keyid, envelope } : undefined;
}

function statementOf({ subjects, predicateType, predicate }: Parts): JsonObject {
  const subject = Object.entries(subjects).map(([name, digest]) => ({
    name,
    digest: { sha256: digest.slice("sha256:".length) },
  }));
  return { _type: STATEMENT, subject, predicateType, predicate };
}

/** What is none is left out, and then missed when the statement is compared. */
function toSubjects(json: Json | undefined): Subjects {
  const subjects: Record<string, Digest> = {};
  for (const one of Array.isArray(json) ? (json as readonly Json[]) : []) {
    const { name, digest } = isJsonObject(one) ? one : {};
    const hex = isJsonObject(digest) ? digest.sha256 : undefined;
    if (typeof name !== "string" || typeof hex !== "string" || !/^[0-9a-f]{64}$/.test(hex)) continue;
    subjects[name] = `sha256:${hex}` as Digest;
  }
  return subjects;
}

/** The value of a text that is its canonical JSON, or undefined. */
function canonical(text: string): Json | undefined {
  try {
    const json: Json = JSON.parse(text);
    return canonicalJson(json) === text ? json : undefined;
  } catch {
    return undefined;
  }
}

/** A moment as statements write it: RFC 3339 in UTC with milliseconds. */
export function instant(ms: number): string {
  return new Date(ms).toISOString();
}

/** ms since the epoch; undefined for what `instant` would not have written. */
export function toInstant(json: Json | undefined): number | undefined {
  if (typeof json !== "string") return undefined;
  const ms = Date.parse(json);
  return Number.isFinite(ms) && instant(ms) === json ? ms : undefined;
}
