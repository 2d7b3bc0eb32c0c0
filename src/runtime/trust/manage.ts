import { readFileSync, writeFileSync } from "node:fs";
import { resolve as absolute } from "node:path";
import { InputError, IntegrityError } from "../../model/errors.ts";
import type { Phase } from "../../model/phase.ts";
import { parsePublicKey, type SigningKey } from "../../trust/ed25519.ts";
import type { Keyring, Place, TrustedKey } from "../../trust/keyring.ts";
import { keysOfRotation, readRotation, signRotation } from "../../trust/rotation.ts";
import { isWithin, type Power, type Scope } from "../../trust/scope.ts";
import { instant } from "../../trust/statement.ts";
import type { Environment } from "../machine.ts";
import { changeKeyring, keyNamed } from "./edit.ts";
import { mustNotBeRevoked, readKeyring } from "./keyring.ts";
import { type Memory, recall, remember } from "./memory.ts";

/** One key as `hook trust list` shows it. */
export interface KeyRow {
  readonly id: string;
  readonly key: string;
  readonly owner: string;
  readonly place: Place;
  readonly state: "valid" | "not-yet" | "ended" | "rotated" | "revoked";
  readonly from: string | null;
  readonly until: string | null;
  readonly hooks: readonly string[];
  readonly phases: readonly Phase[];
  readonly powers: readonly Power[];
  readonly revoked: { readonly at: string; readonly reason: string; readonly place: Place } | null;
}

export interface TrustList {
  readonly keys: readonly KeyRow[];
  /** Revoked keys that are in no keyring. */
  readonly revoked: readonly {
    readonly key: string;
    readonly at: string;
    readonly reason: string;
    readonly place: Place;
  }[];
  /** The highest version of each hook that was trusted here. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What the keyrings say, and what was seen. Throws as `readKeyring` does. */
export function listTrust(env: Environment): TrustList {
  const { keys, revoked } = readKeyring(env);
  const { versions, time } = recall(env);
  const now = Math.max(env.now(), time);
  const rows = [...keys.values()].map(
    ({ id, key, owner, place, from, until, rotatedTo, hooks, phases, powers }): KeyRow => {
      const revocation = revoked.get(key.text) ?? null;
      const ended = now < until ? "valid" : rotatedTo === null ? "ended" : "rotated";
      const state = revocation !== null ? "revoked" : now < from ? "not-yet" : ended;
      const times = { from: timeOf(from), until: timeOf(until) };
      return { id, key: key.text, owner, place, state, ...times, hooks, phases, powers, revoked: revocation };
    },
  );
  const others = [...revoked].filter(([key]) => !keys.has(key)).map(([key, revocation]) => ({ key, ...revocation }));
  return { keys: rows, revoked: others, versions };
}

export interface NewEntry extends Scope {
  readonly id: string;
  readonly key: string;
  readonly owner: string;
  readonly from?: string | undefined;
  readonly until?: string | undefined;
  readonly place: Place;
}

/** Adds a key to a keyring. Throws `InputError` for what is no usable key, is there already, or does not fit the schema. */
export async function addKey({ place, key, ...entry }: NewEntry, env: Environment): Promise<{ readonly file: string }> {
  mustNotBeRevoked(key, readKeyring(env));
  const { id, owner, hooks, phases, powers, from, until } = entry;
  if (from !== undefined && until !== undefined && Date.parse(until) <= Date.parse(from)) {
    throw new InputError({ code: "usage", message: `until: expected a time after \`${from}\`, found \`${until}\`` });
  }
  const times = { ...(from === undefined ? {} : { from }), ...(until === undefined ? {} : { until }) };
  const added = { id, key: parsePublicKey(key).text, owner, ...times, hooks, phases, powers };
  return changeKeyring(place, env, (edit) => {
    edit.add("keys", added);
    return { file: edit.file };
  });
}

/** Revokes a key, given by its id or as it is: from now on nothing that it signed counts. A key that is revoked already stays so. */
export async function revokeKey(
  { name, reason, place }: { readonly name: string; readonly reason: string; readonly place: Place },
  env: Environment,
): Promise<{ readonly file: string; readonly key: string; readonly at: string }> {
  const key = parsePublicKey(keyNamed(name, env)).text;
  return changeKeyring(place, env, (edit) => {
    const known = edit.value.revoked.find((one) => one.key === key);
    const at = known?.at ?? instant(env.now());
    if (known === undefined) edit.add("revoked", { key, at, reason });
    return { file: edit.file, key, at };
  });
}

/** The statement that `next` takes the place of the key that signs, for what that may sign for. Throws `InputError` when that may sign nothing. */
export function signRotationTo(next: string, old: SigningKey, env: Environment): string {
  const keyring = readKeyring(env);
  const known = keyring.keys.get(old.publicKey.text);
  if (known === undefined) throw notInKeyring(old.publicKey.text);
  mustStand(known, keyring, env);
  const to = parsePublicKey(next);
  if (to.text !== known.key.text) return signRotation(old, to, known, env.now());
  throw new InputError({ code: "same-key", message: "a key cannot take its own place" });
}

/**
 * Puts the key that a signed statement names into a keyring, in the place of the old one. Throws `IntegrityError` where that did not
 * sign it, `InputError` where one of the two was revoked or the old one is not valid: whoever found a lost key may sign with it.
 */
export async function applyRotation(
  {
    statement,
    old: replaced,
    id,
    owner,
    place,
  }: {
    readonly statement: string;
    /** The public key that is to be replaced. */
    readonly old: string;
    readonly id: string;
    readonly owner?: string | undefined;
    readonly place: Place;
  },
  env: Environment,
): Promise<{
  readonly file: string;
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly at: string;
}> {
  const named = keysOfRotation(statement);
  if (named === undefined) throw badRotation("it is no statement of a rotation in canonical form");
  if (named.from !== replaced) throw badRotation(`it is about \`${named.from}\`, not about \`${replaced}\``);
  const keyring = readKeyring(env);
  const old = keyring.keys.get(named.from);
  if (old === undefined) throw notInKeyring(named.from);
  const rotation = readRotation(statement, old.key, parsePublicKey(named.to));
  if (rotation === undefined) throw badRotation(`it is not signed by \`${old.id}\``);
  if (!isWithin(rotation, old)) throw badRotation(`it is for more than \`${old.id}\` may sign for`);
  mustStand(old, keyring, env);
  mustNotBeRevoked(named.to, keyring);
  const { hooks, phases, powers, from, to, at } = rotation;
  const scope = { hooks: [...hooks], phases: [...phases], powers: [...powers] };
  const rotated = { from, statement };
  const added = { id, key: to, owner: owner ?? old.owner, from: instant(at), ...scope, rotated };
  return changeKeyring(place, env, (edit) => {
    edit.add("keys", added);
    return { file: edit.file, id, from, to, at: instant(at) };
  });
}

/** Writes a statement to a new file. Throws `InputError` where there is one already, or none can be. */
export function writeStatementFile(file: string, statement: string, env: Environment): void {
  try {
    writeFileSync(absolute(env.cwd, file), `${statement}\n`, { flag: "wx" });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InputError({ code: "not-written", message: `\`${file}\` cannot be written: ${why}`, cause });
  }
}

/** A statement that was signed elsewhere. */
export function readStatementFile(file: string, env: Environment): string {
  try {
    return readFileSync(absolute(env.cwd, file), "utf8").trimEnd();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InputError({ code: "no-file", message: `\`${file}\` cannot be read: ${why}`, cause });
  }
}

/** Lets an older version of a hook be trusted again, or the clock be set back; who, when and why is kept. Throws `InputError` when there is nothing to forget. */
export async function forget(
  { hook, reason, by }: { readonly hook: string | null; readonly reason: string; readonly by: string },
  env: Environment,
): Promise<{ readonly hook: string | null; readonly was: string }> {
  return remember(env, (memory) => {
    const was = hook === null ? instant(memory.time) : memory.versions[hook];
    if (was === undefined || (hook !== null && !Object.hasOwn(memory.versions, hook))) {
      throw new InputError({
        code: "nothing-to-forget",
        message: `no version of a hook \`${hook}\` was ever trusted here`,
      });
    }
    const forgotten = [...memory.forgotten, { hook, was, reason, by, at: env.now() }].slice(-MOST_FORGOTTEN);
    const { [hook ?? ""]: _, ...versions } = memory.versions;
    const changed: Memory =
      hook === null ? { ...memory, time: env.now(), forgotten } : { ...memory, versions, forgotten };
    return { memory: changed, answer: { hook, was } };
  });
}

const MOST_FORGOTTEN = 1000;

function timeOf(ms: number): string | null {
  return Number.isFinite(ms) ? instant(ms) : null;
}

/** Its signatures must count here and now. */
function mustStand(known: TrustedKey, keyring: Keyring, env: Environment): void {
  mustNotBeRevoked(known.key.text, keyring);
  const now = Math.max(env.now(), recall(env).time);
  if (now >= known.from && now < known.until) return;
  const why =
    known.rotatedTo === null ? `is not valid at \`${instant(now)}\`` : `gave its place to \`${known.rotatedTo}\``;
  throw new InputError({
    code: "key-not-valid",
    message: `the old key \`${known.id}\` ${why}: it cannot name another`,
    hint: "a key that you know by other means is entered with `hook trust add`",
  });
}

function notInKeyring(key: string): InputError {
  return new InputError({
    code: "no-such-key",
    message: `the old key \`${key}\` is in no keyring: what it may sign for is not known`,
    hint: "`hook trust list` names the keys",
  });
}

function badRotation(why: string): IntegrityError {
  return new IntegrityError({ code: "bad-rotation", message: `the rotation does not hold: ${why}` });
}
