import { describe, expect, it } from "vitest";
import { joinKeyrings, type KeyringSource } from "../../src/trust/keyring.ts";
import { signRotation } from "../../src/trust/rotation.ts";
import { entryOf, type KeyringParts, keyOf, keyringValue } from "../support/signing.ts";

const [alice, bob, eve] = [keyOf(1), keyOf(2), keyOf(3)];
const AT = Date.UTC(2026, 10, 21);
const SCOPE = { hooks: ["acme-*"], phases: ["pre-tool"], powers: ["gate"] } as const;
const NARROW = { hooks: [...SCOPE.hooks], phases: [...SCOPE.phases], powers: [...SCOPE.powers] };

const source = (parts: KeyringParts, more: Partial<KeyringSource> = {}): KeyringSource => ({
  file: "keyring.yaml",
  place: "user",
  adds: true,
  value: keyringValue(parts),
  ...more,
});
const old = entryOf(alice, NARROW);
const next = (statement: string, more = {}) =>
  entryOf(bob, { id: "bob", ...NARROW, rotated: { from: alice.publicKey.text, statement }, ...more });

describe("keyrings", () => {
  it("let the machine's entry of a key win, and revocations of both count", () => {
    const machine = source({ keys: [entryOf(alice, { hooks: ["warden"] })] }, { place: "machine" });
    const user = source({
      keys: [entryOf(alice, { id: "mine" }), entryOf(bob)],
      revoked: [revoked(alice), revoked(eve)],
    });
    const { keys, revoked: gone } = joinKeyrings([machine, user]);
    expect(keys.get(alice.publicKey.text)).toMatchObject({ id: "alice", hooks: ["warden"], place: "machine" });
    expect(keys.get(bob.publicKey.text)).toMatchObject({ place: "user" });
    expect([...gone.keys()]).toEqual([alice.publicKey.text, eve.publicKey.text]);
  });

  it("of a user whose keys do not count still revoke", () => {
    const user = source({ keys: [entryOf(bob)], revoked: [revoked(alice)] }, { adds: false });
    const { keys, revoked: gone } = joinKeyrings([source({ keys: [entryOf(alice)] }, { place: "machine" }), user]);
    expect([...keys.keys()]).toEqual([alice.publicKey.text]);
    expect(gone.has(alice.publicKey.text)).toBe(true);
  });

  it.each([
    ["id", [entryOf(alice), entryOf(bob)]],
    ["key", [entryOf(alice), entryOf(alice, { id: "again" })]],
  ])("are refused with one %s twice", (field, keys) => {
    expect(() => joinKeyrings([source({ keys })])).toThrow(`two keys with the ${field}`);
  });

  it.each([
    ["of small order", `ed25519:${"00".repeat(32)}`],
    ["in a form that is not canonical", `ed25519:ee${"ff".repeat(30)}7f`],
  ])("S1 S3 are refused with a key %s, also where it is only revoked", (_, key) => {
    expect(() => joinKeyrings([source({ keys: [{ ...entryOf(alice), key }] })])).toThrow(/not a usable/);
    expect(() => joinKeyrings([source({ revoked: [{ key, at: "2026-11-21", reason: "bad" }] })])).toThrow(
      /not a usable/,
    );
  });

  it("end the old key where a rotation that it signed begins", () => {
    const statement = signRotation(alice, bob.publicKey, SCOPE, AT);
    const { keys } = joinKeyrings([source({ keys: [old, next(statement)] })]);
    expect(keys.get(alice.publicKey.text)).toMatchObject({ until: AT, rotatedTo: bob.publicKey.text });
    expect(keys.get(bob.publicKey.text)).toMatchObject({ id: "bob", rotatedTo: null });
  });

  it.each<[string, () => KeyringParts, string]>([
    [
      "somebody else signed",
      () => parts(signRotation(eve, bob.publicKey, SCOPE, AT)),
      "not one that the old key signed",
    ],
    [
      "is about another new key",
      () => parts(signRotation(alice, eve.publicKey, SCOPE, AT)),
      "not one that the old key signed",
    ],
    [
      "was changed",
      () => parts(changed(signRotation(alice, bob.publicKey, SCOPE, AT))),
      "not one that the old key signed",
    ],
    ["is no statement", () => parts("{}"), "not one that the old key signed"],
    [
      "is for less than the entry",
      () => parts(signRotation(alice, bob.publicKey, { ...SCOPE, hooks: ["acme-gate"] }, AT)),
      "more than the old key's statement says",
    ],
    [
      "is for more than the old key",
      () => parts(signRotation(alice, bob.publicKey, { ...SCOPE, hooks: ["*"] }, AT), { hooks: ["*"] }),
      "more than the old key",
    ],
    [
      "is of a key that nobody knows",
      () => ({ keys: [next(signRotation(alice, bob.publicKey, SCOPE, AT))] }),
      "not in a keyring",
    ],
  ])("S12 are refused with a rotation whose statement %s", (_, make, why) => {
    expect(() => joinKeyrings([source(make())])).toThrow(why);
  });
});

function parts(statement: string, more = {}): KeyringParts {
  return { keys: [old, next(statement, more)] };
}

function revoked(key: typeof alice) {
  return { key: key.publicKey.text, at: "2026-11-21", reason: "gone" };
}

/** Another time in the payload, under the same signature. */
function changed(statement: string): string {
  const envelope = JSON.parse(statement);
  const payload = Buffer.from(envelope.payload, "base64").toString().replace("2026-11-21", "2026-11-22");
  return statement.replace(envelope.payload, Buffer.from(payload).toString("base64"));
}
