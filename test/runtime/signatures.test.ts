import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canonicalJson, digestOf } from "../../src/model/canonical.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { PHASES } from "../../src/model/phase.ts";
import { validateBlueprint } from "../../src/runtime/catalog.ts";
import { addKey, forget, listTrust, revokeKey } from "../../src/runtime/trust/manage.ts";
import { remember } from "../../src/runtime/trust/memory.ts";
import { verifyHookFile } from "../../src/runtime/trust/sign.ts";
import { signEnvelope } from "../../src/trust/dsse.ts";
import { Lab, type LabHook, scriptedHook } from "../support/lab.ts";
import { entryOf, type KeyringParts, keyOf, type Signing, signInBlueprint, writeKeyring } from "../support/signing.ts";

const [alice, eve] = [keyOf(1), keyOf(3)];
const SCOPE = { hooks: ["*"], phases: [...PHASES], powers: ["gate"] } as const;
const DAY = 86_400_000;
/** The order of the base point, little-endian: S and S + L are the same scalar. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
let lab: Lab;
let hook: LabHook;
beforeEach(async () => {
  lab = await Lab.open();
  hook = await scriptedHook("return allow('fine')", { name: "warden", phases: ["pre-tool"] });
});
afterEach(() => lab.close());

async function signedBlueprint(signing: Signing = {}, key = alice): Promise<string> {
  const file = await lab.blueprint({ hooks: [hook], chain: { "pre-tool": ["warden"] }, turns: [{ text: "Done." }] });
  await signInBlueprint(lab, { file, hook: "warden", key, signing });
  return file;
}

/** That the run does not start, with exit code 5, and leaves nothing. */
async function refused(file: string, why: string | RegExp): Promise<void> {
  const error = await lab.run(file).then(
    () => expect.fail("it ran"),
    (cause: Error) => cause,
  );
  expect(error).toMatchObject({ exit: 5, message: expect.stringMatching(why) });
  expect(existsSync(join(lab.env.stateDir, "runs"))).toBe(false);
}

type Envelope = { payload: string; payloadType: string; signatures: { keyid: string; sig: string }[] };

/** Changes the envelope, and writes it in canonical form again. */
const envelope = (change: (envelope: Envelope) => unknown): Signing => ({
  bytes: (bytes) => {
    const json: Envelope = JSON.parse(Buffer.from(bytes).toString());
    return Buffer.from(`${canonicalJson(change(json) ?? json)}\n`);
  },
});
const signatureBytes = (change: (sig: Buffer) => Uint8Array): Signing =>
  envelope(({ signatures: [one] }) => {
    if (one) one.sig = Buffer.from(change(Buffer.from(one.sig, "base64"))).toString("base64");
  });

describe("a signature that does not hold keeps a run from starting", () => {
  it.each<[string, Signing, RegExp]>([
    ["S2 with S + L for S", signatureBytes(plusL), /is not that of `alice`/],
    [
      "S3 with an R that is not canonical",
      signatureBytes((sig) => Buffer.concat([notCanonical(), sig.subarray(32)])),
      /is not that of/,
    ],
    [
      "S4 with a byte behind the signature",
      signatureBytes((sig) => Buffer.concat([sig, Buffer.of(0)])),
      /is not that of/,
    ],
    [
      "S4 with a byte behind the envelope",
      { bytes: (bytes) => Buffer.concat([bytes, Buffer.of(0x20)]) },
      /in canonical form/,
    ],
    ["S5 over another component", { claim: { component: digestOf("another") } }, /about another hook: its component/],
    ["S5 over another manifest", { claim: { manifest: digestOf("another") } }, /about another hook: its manifest/],
    ["of the same bytes under another name", { claim: { name: "guard" } }, /its name is `warden`/],
    ["of a lesser world than the manifest's", { claim: { world: "pinion:hook/other@1.0.0" } }, /its world/],
    [
      "S6 of another payload type",
      envelope((json) => JSON.parse(signEnvelope(alice, "text/plain", Buffer.from(json.payload, "base64")))),
      /in canonical form/,
    ],
    ["with a second signature", envelope(({ signatures }) => void signatures.push(...signatures)), /in canonical form/],
    [
      "in a form that is not canonical",
      { bytes: (bytes) => Buffer.from(` ${Buffer.from(bytes).toString()}`) },
      /in canonical form/,
    ],
    ["that has expired", { signedAt: Date.UTC(2026, 0, 1), expires: Date.UTC(2026, 0, 2) }, /expired at 2026-01-02/],
  ])("%s", async (_, signing, why) => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    await refused(await signedBlueprint(signing), why);
  });

  it("S1 under a key of small order, with which a keyring is refused", async () => {
    const key = `ed25519:01${"00".repeat(31)}`;
    writeKeyring(lab, { keys: [{ ...entryOf(alice), key }] });
    const forged = envelope(({ signatures: [one] }) => {
      // Under the identity key R = [S]B fits every message.
      if (one)
        Object.assign(one, { keyid: key, sig: Buffer.concat([identity(), Buffer.alloc(32)]).toString("base64") });
    });
    const error = await lab.run(await signedBlueprint(forged)).catch((cause: Error) => cause);
    expect(error).toMatchObject({ code: "bad-public-key", message: expect.stringContaining("small order") });
  });

  it("S8 of a key that is in no keyring, and no other key is tried, whatever the envelope calls it", async () => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    await refused(await signedBlueprint({}, eve), /which is in no keyring/);
    const renamed = envelope(({ signatures: [one] }) => void Object.assign(one ?? {}, { keyid: alice.publicKey.text }));
    await refused(await signedBlueprint(renamed, eve), /is not that of `alice`/);
  });

  it.each<[string, KeyringParts, RegExp]>([
    [
      "revoked",
      { keys: [entryOf(alice)], revoked: [revocation()] },
      /was revoked by the user's keyring on 2026-11-21: lost/,
    ],
    [
      "not valid any more",
      { keys: [entryOf(alice, { until: "2026-01-01" })] },
      /was not valid when the hook was signed/,
    ],
    [
      "for other hooks",
      { keys: [entryOf(alice, { hooks: ["guard"] })] },
      /may not sign for hooks of the name `warden`/,
    ],
    ["for other phases", { keys: [entryOf(alice, { phases: ["audit"] })] }, /may not sign for the phase `pre-tool`/],
    ["for other powers", { keys: [entryOf(alice, { powers: ["observe"] })] }, /may not sign for the power `gate`/],
  ])("of a key that is %s", async (_, parts, why) => {
    writeKeyring(lab, parts);
    await refused(await signedBlueprint(), why);
  });

  it("B15 whose bytes were swapped after they were pinned", async () => {
    writeKeyring(lab, { keys: [entryOf(alice), entryOf(eve, { id: "eve" })] });
    const file = await signedBlueprint();
    const pinned = readFileSync(file);
    await signInBlueprint(lab, { file, hook: "warden", key: eve });
    writeFileSync(file, pinned);
    await refused(file, /the signature of `warden@1.0.0` are not the pinned ones/);
  });
});

it("is told by `blueprint validate`, at the pin, where the signature would keep a run from starting", async () => {
  const file = await signedBlueprint();
  const [warning] = await warnings(file);
  expect(warning).toMatchObject({ file, message: expect.stringMatching(/hooks\[0\]\.signature: .*in no keyring/) });
  expect(readFileSync(file, "utf8").split("\n")[(warning?.line ?? 0) - 1]).toContain("signature: ");
  writeKeyring(lab, { keys: [entryOf(alice)] });
  expect(await warnings(file)).toEqual([]);
  expect(existsSync(join(lab.env.stateDir, "trust"))).toBe(false);

  async function warnings(path: string) {
    const validation = await validateBlueprint(path, lab.env);
    if (!validation.ok) expect.fail("it is not valid");
    return validation.warnings.filter(({ message }) => message.includes("signature"));
  }
});

describe("a keyring", () => {
  it("of the user does not count where the machine says so, but revokes", async () => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    const file = await signedBlueprint();
    const machine = lab.env.configDirs[0] ?? "";
    mkdirSync(machine, { recursive: true });
    writeFileSync(join(machine, "config.yaml"), "trust: { userKeys: false }\n");
    await refused(file, /which is in no keyring that counts/);
    writeKeyring(lab, { keys: [entryOf(alice)] }, "machine");
    writeKeyring(lab, {});
    expect(await lab.run(file)).toMatchObject({ state: "completed" });
    writeKeyring(lab, { revoked: [revocation()] });
    await expect(lab.run(file)).rejects.toThrow(/was revoked by the user's keyring/);
  });

  it.each<[string, (file: string) => void, RegExp]>([
    ["others may write to", (file) => chmodSync(file, 0o666), /others may write to/],
    ["stands in a folder that others may write to", (file) => chmodSync(dirname(file), 0o777), /others may write to/],
    [
      "is a symbolic link",
      (file) => {
        renameSync(file, `${file}.real`);
        symlinkSync(`${file}.real`, file);
      },
      /symbolic link/,
    ],
  ])("that %s is not used", async (_, change, why) => {
    change(writeKeyring(lab, { keys: [entryOf(alice)] }));
    await refused(await signedBlueprint(), why);
  });

  it("H9 cannot be in the workspace, where an agent could write it", async () => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    const file = await signedBlueprint();
    const around = lab.run(file, { workspace: join(lab.root, "config") });
    await expect(around).rejects.toMatchObject({ code: "state-in-workspace", exit: 2 });
  });

  it("loses nothing when several change it at once, and takes a revoked key in no more", async () => {
    writeKeyring(lab, {});
    const keys = [4, 5, 6, 7, 8].map((number) => keyOf(number).publicKey.text);
    const change = (key: string, i: number) =>
      i % 2 === 0
        ? revokeKey({ name: key, reason: "lost", place: "user" }, lab.env)
        : addKey({ ...SCOPE, id: `key-${i}`, key, owner: "Alice", place: "user" }, lab.env);
    await Promise.all(keys.map(change));
    const { keys: added, revoked } = listTrust(lab.env);
    expect([...added, ...revoked].map(({ key }) => key).sort()).toEqual(keys.sort());
    const again = addKey({ ...SCOPE, id: "again", key: revoked[0]?.key ?? "", owner: "Alice", place: "user" }, lab.env);
    await expect(again).rejects.toMatchObject({ code: "key-revoked", exit: 2 });
  });
});

describe("what was seen is remembered", () => {
  const withVersion = async (version: string): Promise<string> => {
    const file = await signedBlueprint();
    const manifest = join(dirname(file), "hooks/warden/hook.yaml");
    const text = readFileSync(manifest, "utf8").replace("version: 1.0.0", `version: ${version}`);
    writeFileSync(manifest, text);
    const pinned = readFileSync(file, "utf8").replace(
      /(name: warden\n\s+version: )1\.0\.0(\n\s+digest: )\S+/,
      `$1${version}$2${digestOf(text)}`,
    );
    writeFileSync(file, pinned);
    await signInBlueprint(lab, { file, hook: "warden", key: alice });
    return file;
  };

  it("S9 an older version than one that was trusted does not run, until a person has that forgotten", async () => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    expect(await lab.run(await withVersion("1.10.0"))).toMatchObject({ state: "completed" });
    const older = await withVersion("1.9.0");
    await expect(lab.run(older)).rejects.toMatchObject({ code: "hook-not-trusted", exit: 5 });
    expect(await verifyHookFile(join(dirname(older), "hooks/warden"), lab.env)).toMatchObject({
      trusted: false,
      code: "older-version",
    });
    expect(listTrust(lab.env).versions).toEqual({ warden: "1.10.0" });
    await forget({ hook: "warden", reason: "1.10.0 is broken", by: "alice" }, lab.env);
    expect(await lab.run(older)).toMatchObject({ state: "completed" });
    const kept = readFileSync(join(lab.env.stateDir, "trust/seen.json"), "utf8");
    expect(JSON.parse(kept).forgotten).toMatchObject([
      { hook: "warden", was: "1.10.0", reason: "1.10.0 is broken", by: "alice" },
    ]);
  });

  it("S10 an expired signature does not come back to life under a clock that is set back", async () => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    const now = Date.now();
    const file = await signedBlueprint({ signedAt: now, expires: now + DAY });
    const at = (time: number) => Object.assign(lab.env, { now: () => time });
    expect(await lab.run(file)).toMatchObject({ state: "completed" });
    at(now + 2 * DAY);
    await expect(lab.run(file)).rejects.toThrow(/expired/);
    at(now);
    await expect(lab.run(file)).rejects.toMatchObject({
      message: expect.stringContaining("expired"),
      hint: expect.stringContaining("hook trust forget --clock"),
    });
    await forget({ hook: null, reason: "the clock was wrong", by: "alice" }, lab.env);
    expect(await lab.run(file)).toMatchObject({ state: "completed" });
  });

  it("by many at once, and nothing of it is lost", async () => {
    const names = Array.from({ length: 8 }, (_, i) => `hook-${i}`);
    const see = (name: string) =>
      remember(lab.env, (memory) => {
        const versions = { ...memory.versions, [name]: "1.0.0" };
        return { memory: { ...memory, versions }, answer: Object.keys(memory.versions).length };
      });
    const before = await Promise.all(names.map(see));
    expect(before.sort()).toEqual(names.map((_, i) => i));
    expect(Object.keys(listTrust(lab.env).versions).sort()).toEqual(names);
  });

  it("in a file that nobody else may have written, and one that is damaged lets nothing run", async () => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    const file = await signedBlueprint();
    await lab.run(file);
    const seen = join(lab.env.stateDir, "trust/seen.json");
    writeFileSync(seen, "{}");
    await expect(lab.run(file)).rejects.toMatchObject({ code: "bad-trust-memory", exit: 5 });
    chmodSync(seen, 0o666);
    await expect(lab.run(file)).rejects.toMatchObject({ code: "file-not-safe", exit: 5 });
  });
});

function revocation(): JsonObject {
  return { key: alice.publicKey.text, at: "2026-11-21", reason: "lost" };
}

function plusL(sig: Buffer): Buffer {
  const s = BigInt(`0x${Buffer.from(sig.subarray(32)).reverse().toString("hex")}`) + L;
  return Buffer.concat([sig.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse()]);
}

/** y = p + 1, which stands for 1. */
function notCanonical(): Buffer {
  return Buffer.from(`ee${"ff".repeat(30)}7f`, "hex");
}

function identity(): Buffer {
  return Buffer.from(`01${"00".repeat(31)}`, "hex");
}
