import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, type Digest, digestOf } from "../../src/model/canonical.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { PHASES, ROLES } from "../../src/model/phase.ts";
import { decideTrust, type Trust } from "../../src/trust/decide.ts";
import { signEnvelope } from "../../src/trust/dsse.ts";
import { joinKeyrings, type Keyring } from "../../src/trust/keyring.ts";
import { HOOK_SIGNATURE, readHookSignature, type SignedHook, signHook } from "../../src/trust/signature.ts";
import { STATEMENT_TYPE, signStatement } from "../../src/trust/statement.ts";
import { compareVersions } from "../../src/trust/version.ts";
import { runs, seed } from "../support/property.ts";
import { entryOf, keyOf, keyringValue } from "../support/signing.ts";

const alice = keyOf(1);
const NOW = Date.UTC(2026, 10, 21);
const HOOK: SignedHook = {
  name: "warden",
  version: "1.2.0",
  manifest: digestOf("manifest"),
  component: digestOf("component"),
  role: "gate",
  phases: ["pre-tool", "spawn"],
  world: "pinion:hook/hook@1.0.0",
};
const always = { signedAt: NOW, expires: null };
const signed = (hook: Partial<SignedHook> = {}, times = always) => signHook(alice, { ...HOOK, ...hook }, times);
const ring = (more: JsonObject = {}): Keyring =>
  joinKeyrings([
    { file: "keyring.yaml", place: "user", adds: true, value: keyringValue({ keys: [entryOf(alice, more)] }) },
  ]);
const decide = (bytes: Uint8Array, keyring = ring(), now = NOW): Trust =>
  decideTrust(HOOK, readHookSignature(bytes, "hook.sig"), { keyring, now });

describe("the signature of a hook", () => {
  it("says again what was signed", () => {
    const digest = fc.uint8Array({ maxLength: 8 }).map((bytes) => digestOf(bytes));
    const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
    const hook = fc.record({
      name: fc.string({ unit: "grapheme" }),
      version: fc.string(),
      manifest: digest,
      component: digest,
      role: fc.constantFrom(...ROLES),
      phases: fc.subarray([...PHASES]),
      world: fc.constantFrom("pinion:hook/hook@1.0.0", "pinion:hook/trusted-hook@1.0.0"),
    });
    fc.assert(
      fc.property(hook, time, fc.option(time), (about, signedAt, expires) => {
        const {
          envelope: _,
          powers: __,
          keyid,
          ...said
        } = readHookSignature(signHook(alice, about, { signedAt, expires }), "x");
        expect(said).toEqual({ ...about, signedAt, expires });
        expect(keyid).toBe(alice.publicKey.text);
      }),
      { seed, numRuns: runs(50, 5000) },
    );
  });

  it("S4 S16 does not hold when a bit of it is flipped, wherever it is, nor with a byte more or less", () => {
    const bytes = signed();
    expect(decide(bytes)).toMatchObject({ kind: "trusted", signer: { id: "alice" } });
    fc.assert(
      fc.property(fc.nat({ max: bytes.length * 8 - 1 }), (bit) => {
        const flipped = Uint8Array.from(bytes, (byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        expect(isTrusted(flipped)).toBe(false);
      }),
      { seed, numRuns: runs(200, 20_000) },
    );
    expect(isTrusted(bytes.subarray(0, -1))).toBe(false);
    for (const more of ["\n", " ", "\0", "{}"])
      expect(isTrusted(Buffer.concat([bytes, Buffer.from(more)]))).toBe(false);
  });

  it.each<[string, (payload: string) => string]>([
    ["spaces", (payload) => payload.replace(":", ": ")],
    ["members in another order", (payload) => reversed(payload)],
    ["a member given twice", (payload) => payload.replace('"predicate":{', '"predicate":{"name":"other",')],
    ["an escape that is not needed", (payload) => payload.replace("warden", "w\\u0061rden")],
    ["-0 for 0", (payload) => payload.replace('"role"', '"n":-0,"role"')],
    ["1e21 written out", (payload) => payload.replace('"role"', '"n":1000000000000000000000,"role"')],
    ["half of a surrogate pair", (payload) => payload.replace("warden", "\\ud800")],
    ["a byte order mark", (payload) => `\ufeff${payload}`],
  ])("S16 is not read with %s, though its key signed that", (_, change) => {
    const envelope = JSON.parse(Buffer.from(signed()).toString());
    const payload = change(Buffer.from(envelope.payload, "base64").toString());
    const bytes = Buffer.from(`${signEnvelope(alice, STATEMENT_TYPE, Buffer.from(payload))}\n`);
    expect(() => readHookSignature(bytes, "hook.sig")).toThrow(/not the signature of a hook/);
  });

  it.each<[string, JsonObject, Readonly<Record<string, Digest>>]>([
    ["no component", {}, { manifest: HOOK.manifest }],
    ["a further subject", {}, { manifest: HOOK.manifest, component: HOOK.component, more: HOOK.component }],
    ["a further member", { note: "x" }, { manifest: HOOK.manifest, component: HOOK.component }],
    [
      "a time that is no time",
      { signedAt: "2026-13-01T00:00:00.000Z" },
      { manifest: HOOK.manifest, component: HOOK.component },
    ],
    [
      "a time in another zone",
      { signedAt: "2026-11-21T00:00:00.000+01:00" },
      { manifest: HOOK.manifest, component: HOOK.component },
    ],
    ["a role that there is not", { role: "king" }, { manifest: HOOK.manifest, component: HOOK.component }],
    ["a power that there is not", { powers: ["rule"] }, { manifest: HOOK.manifest, component: HOOK.component }],
  ])("S5 is not read with %s", (_, more, subjects) => {
    const { name, version, role, phases, world } = HOOK;
    const said = {
      name,
      version,
      role,
      phases,
      world,
      powers: ["gate"],
      signedAt: "2026-11-21T00:00:00.000Z",
      ...more,
    };
    const line = signStatement(alice, { subjects, predicateType: HOOK_SIGNATURE, predicate: said });
    expect(() => readHookSignature(Buffer.from(`${line}\n`), "hook.sig")).toThrow(/not the signature of a hook/);
  });

  it("S6 is not read as another payload or another predicate", () => {
    const envelope = JSON.parse(Buffer.from(signed()).toString());
    const payload = Buffer.from(envelope.payload, "base64");
    const other = signEnvelope(alice, "application/vnd.pinion.checkpoint+json", payload);
    expect(() => readHookSignature(Buffer.from(`${other}\n`), "x")).toThrow();
    const rotation = payload.toString().replace("hook-signature/v1", "key-rotation/v1");
    const line = signEnvelope(alice, STATEMENT_TYPE, Buffer.from(rotation));
    expect(() => readHookSignature(Buffer.from(`${line}\n`), "x")).toThrow();
  });
});

describe("what a key may sign for", () => {
  it.each<[string, JsonObject, Partial<SignedHook>, string | undefined]>([
    ["everything", {}, {}, undefined],
    ["its name", { hooks: ["warden"] }, {}, undefined],
    ["the beginning of its name", { hooks: ["acme-*"] }, { name: "acme-gate" }, undefined],
    ["all names", { hooks: ["other", "*"] }, {}, undefined],
    ["another name", { hooks: ["warden-*"] }, {}, "hooks of the name `warden`"],
    ["a phase too few", { phases: ["pre-tool"] }, {}, "the phase `spawn`"],
    ["another power", { powers: ["observe", "transform"] }, {}, "the power `gate`"],
    ["no leases", { powers: ["gate"] }, { world: "pinion:hook/trusted-hook@1.0.0" }, "the power `mint`"],
    ["leases too", { powers: ["gate", "mint"] }, { world: "pinion:hook/trusted-hook@1.0.0" }, undefined],
  ])("is held against it: %s", (_, scope, hook, beyond) => {
    const about = { ...HOOK, ...hook };
    const trust = decideTrust(about, readHookSignature(signed(hook), "x"), { keyring: ring(scope), now: NOW });
    if (beyond === undefined) expect(trust).toMatchObject({ kind: "trusted" });
    else expect(trust).toMatchObject({ code: "out-of-scope", why: `\`alice\` (Alice) may not sign for ${beyond}` });
  });

  it("holds between its first and its last moment, when the hook was signed and now", () => {
    const valid = ring({ from: "2026-11-20", until: "2026-11-22" });
    const day = 86_400_000;
    expect(decide(signed(), valid)).toEqual({
      kind: "trusted",
      signer: { id: "alice", key: alice.publicKey.text },
      until: NOW + day,
    });
    expect(decide(signed(), valid, NOW + day)).toMatchObject({ code: "key-not-valid" });
    expect(decide(signed({}, { signedAt: NOW - 2 * day, expires: null }), valid)).toMatchObject({
      code: "key-not-valid",
    });
    expect(decide(signed({}, { signedAt: NOW + 300_001, expires: null }), valid)).toMatchObject({
      code: "key-not-valid",
    });
  });
});

describe("versions", () => {
  it("are in the order of Semantic Versioning §11, whatever is asked first", () => {
    const order = [
      "0.9.9",
      "1.0.0-alpha",
      "1.0.0-alpha.1",
      "1.0.0-alpha.beta",
      "1.0.0-beta",
      "1.0.0-beta.2",
      "1.0.0-beta.11",
    ];
    const all = [...order, "1.0.0-rc.1", "1.0.0", "1.0.1", "1.9.0", "1.10.0", "2.0.0", "99999999999999999999.0.0"];
    for (const [i, a] of all.entries()) {
      for (const [j, b] of all.entries()) expect(Math.sign(compareVersions(a, b))).toBe(Math.sign(i - j));
    }
  });
});

function isTrusted(bytes: Uint8Array): boolean {
  try {
    return decide(bytes).kind === "trusted";
  } catch {
    return false;
  }
}

/** The same object with its members the other way round. */
function reversed(text: string): string {
  const members = Object.entries(JSON.parse(text) as JsonObject).reverse();
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${canonicalJson(value)}`).join(",")}}`;
}
