import { IntegrityError } from "../model/errors.ts";
import type { Keyring as KeyringFile } from "../model/generated/keyring.ts";
import { type PublicKey, parsePublicKey } from "./ed25519.ts";
import { readRotation } from "./rotation.ts";
import { isWithin, type Scope } from "./scope.ts";

/** Whose configuration a key stands in. */
export type Place = "machine" | "user";

/** A key, what it may sign for, and when. */
export interface TrustedKey extends Scope {
  readonly id: string;
  readonly key: PublicKey;
  readonly owner: string;
  /** ms since the epoch: valid from the first, up to before the second. */
  readonly from: number;
  readonly until: number;
  /** The key that took its place, as text. */
  readonly rotatedTo: string | null;
  readonly place: Place;
}

export interface Revocation {
  readonly reason: string;
  /** As it was written. */
  readonly at: string;
  readonly place: Place;
}

/** What machine and user say together, by the text of the public key. */
export interface Keyring {
  readonly keys: ReadonlyMap<string, TrustedKey>;
  readonly revoked: ReadonlyMap<string, Revocation>;
}

/** A keyring file that was read and fits its schema. */
export interface KeyringSource {
  readonly file: string;
  readonly place: Place;
  readonly value: KeyringFile;
  /** False: its keys do not count, only what it revokes. */
  readonly adds: boolean;
}

type Entry = KeyringFile["keys"][number];

/**
 * Joins keyring files, the machine's first: of two entries of one key the first counts, revocations add up. Throws `IntegrityError` for an entry
 * that is given twice in a file, and for one that takes the place of another key without a statement of that key, or for more than that key
 * may sign for (S12); `InputError` for what is no key.
 */
export function joinKeyrings(sources: readonly KeyringSource[]): Keyring {
  const keys = new Map<string, TrustedKey>();
  const revoked = new Map<string, Revocation>();
  const rotations: { readonly source: KeyringSource; readonly entry: Entry }[] = [];
  for (const source of sources) {
    const { file, place, value, adds } = source;
    mustBeDistinct(value, file);
    for (const { key, at, reason } of value.revoked) {
      if (!revoked.has(parsePublicKey(key).text)) revoked.set(key, { reason, at, place });
    }
    for (const entry of adds ? value.keys : []) {
      if (keys.has(entry.key)) continue;
      keys.set(entry.key, toKey(entry, place));
      if (entry.rotated !== undefined) rotations.push({ source, entry });
    }
  }
  for (const { source, entry } of rotations) rotate(keys, entry, source.file);
  return { keys, revoked };
}

function toKey(entry: Entry, place: Place): TrustedKey {
  const { id, owner, hooks, phases, powers } = entry;
  const from = entry.from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(entry.from);
  const until = entry.until === undefined ? Number.POSITIVE_INFINITY : Date.parse(entry.until);
  return { id, key: parsePublicKey(entry.key), owner, from, until, hooks, phases, powers, rotatedTo: null, place };
}

/** The validity of the old key ends where the new one's begins. */
function rotate(keys: Map<string, TrustedKey>, { id, key, rotated }: Entry, file: string): void {
  const old = keys.get(rotated?.from ?? "");
  const own = keys.get(key);
  if (rotated === undefined || own === undefined) return;
  const refuse = (why: string): IntegrityError =>
    new IntegrityError({
      code: "bad-rotation",
      message: `the keyring \`${file}\` says that \`${id}\` took the place of \`${rotated.from}\`, but ${why}`,
      hint: "remove the entry, or have the rotation signed by the old key: `hook trust rotate`",
    });
  if (old === undefined) throw refuse("that key is not in a keyring");
  const rotation = readRotation(rotated.statement, old.key, own.key);
  if (rotation === undefined) throw refuse("the statement is not one that the old key signed about these two keys");
  if (!isWithin(own, rotation)) throw refuse("it may sign for more than the old key's statement says");
  if (!isWithin(own, old)) throw refuse("it may sign for more than the old key");
  keys.set(old.key.text, { ...old, until: Math.min(old.until, rotation.at), rotatedTo: key });
}

function mustBeDistinct({ keys }: KeyringFile, file: string): void {
  for (const field of ["id", "key"] as const) {
    const seen = new Set<string>();
    for (const entry of keys) {
      if (!seen.has(entry[field])) seen.add(entry[field]);
      else {
        const message = `the keyring \`${file}\` has two keys with the ${field} \`${entry[field]}\``;
        throw new IntegrityError({ code: "bad-keyring", message, hint: "remove one of the two entries" });
      }
    }
  }
}
