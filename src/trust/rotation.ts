import { type Digest, digestOf } from "../model/canonical.ts";
import { isEnvelopeSignedBy } from "./dsse.ts";
import type { PublicKey, SigningKey } from "./ed25519.ts";
import { type Scope, toScope } from "./scope.ts";
import { instant, readStatement, signStatement, toInstant } from "./statement.ts";

export const KEY_ROTATION = "https://pinion.dev/key-rotation/v1";

/** From `at` on, `to` stands for `from`, for at most this scope. */
export interface Rotation extends Scope {
  /** Public keys as text. */
  readonly from: string;
  readonly to: string;
  /** ms since the epoch. */
  readonly at: number;
}

/** The statement by which an old key names the one that takes its place; one line without LF. */
export function signRotation(old: SigningKey, to: PublicKey, { hooks, phases, powers }: Scope, at: number): string {
  const from = old.publicKey.text;
  return signStatement(old, {
    subjects: { key: keyDigest(to.text) },
    predicateType: KEY_ROTATION,
    predicate: { from, to: to.text, at: instant(at), hooks, phases, powers },
  });
}

/** Undefined unless it is a statement about these two keys that the old one signed. */
export function readRotation(text: string, old: PublicKey, to: PublicKey): Rotation | undefined {
  const statement = readStatement(text, KEY_ROTATION);
  if (statement === undefined || statement.subjects.key !== keyDigest(to.text)) return undefined;
  const { from, to: named, at: when, hooks, phases, powers, ...more } = statement.predicate;
  const scope = toScope(hooks, phases, powers);
  const at = toInstant(when);
  if (from !== old.text || named !== to.text || scope === undefined || at === undefined) return undefined;
  if (Object.keys(more).length > 0 || Object.keys(statement.subjects).length > 1) return undefined;
  return isEnvelopeSignedBy(old, statement.envelope) ? { ...scope, from, to: named, at } : undefined;
}

/** The keys that a statement names, before anything is verified: whom to ask. */
export function keysOfRotation(text: string): { readonly from: string; readonly to: string } | undefined {
  const { from, to } = readStatement(text, KEY_ROTATION)?.predicate ?? {};
  return typeof from === "string" && typeof to === "string" ? { from, to } : undefined;
}

function keyDigest(text: string): Digest {
  return digestOf(Buffer.from(text.slice("ed25519:".length), "hex"));
}
