import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isJsonObject, type JsonObject } from "../../src/model/json.ts";
import { rearmHook, terminateRun } from "../../src/runtime/lifecycle.ts";
import { runFolder } from "../../src/runtime/machine.ts";
import { resumeRun } from "../../src/runtime/resume.ts";
import { statusOf } from "../../src/runtime/status.ts";
import type { RunSummary } from "../../src/runtime/summary.ts";
import { go, holding, prepareHolds, runsOf, startHeld } from "../support/held.ts";
import { Lab, type LabHook, scriptedHook } from "../support/lab.ts";
import { entryOf, keyOf, signInBlueprint, writeKeyring } from "../support/signing.ts";

const alice = keyOf(1);
let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "first");
});
afterEach(() => lab.close());

const READ = { calls: [{ tool: "file.read", arguments: { path: "a.txt" } }] };
const DONE = { text: "Done." };

async function gate(code: string, more: Partial<LabHook> = {}): Promise<LabHook> {
  return scriptedHook(code, { name: "warden", phases: ["pre-tool"], ...more });
}

/** A blueprint whose hook `warden` bears Alice's signature. */
async function signedBlueprint(turns: readonly JsonObject[], code = "return allow('fine')"): Promise<string> {
  const hooks = [{ ...(await gate(code)), signedBy: alice }];
  return lab.blueprint({ hooks, chain: { "pre-tool": ["warden"] }, turns });
}

const resume = (run: string) => resumeRun({ run, ...lab.watching }, lab.env);
const refusal = (file: string) =>
  lab.run(file).then(
    () => expect.fail("it ran"),
    (error: Error) => error,
  );
const hooksIn = (): JsonObject => {
  const hooks = lab.entries.find(({ kind }) => kind === "check.hooks")?.body.hooks;
  const [hook] = hooks as readonly JsonObject[];
  return hook ?? {};
};

describe("a hook whose pin names a signature", () => {
  it("is trusted when a key of the keyring signed it, and the journal says by whom; a replay needs no keyring", async () => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    const summary = await lab.run(await signedBlueprint([READ, DONE]));
    expect(summary).toMatchObject({ state: "completed" });
    const signer = { id: "alice", key: alice.publicKey.text };
    expect(hooksIn()).toMatchObject({ hook: "warden", tier: "trusted", signer });
    expect(lab.boundaries("pre-tool")[0]?.verdicts).toMatchObject([{ tier: "trusted", signer: "alice" }]);

    rmSync(join(lab.env.configDirs[1] ?? "", "keyring.yaml"));
    rmSync(join(lab.env.stateDir, "trust"), { recursive: true });
    rmSync(join(lab.root, "blueprint"), { recursive: true });
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });

  it("does not run where no keyring has the key, and nothing of the run is left", async () => {
    const error = await refusal(await signedBlueprint([READ, DONE]));
    expect(error).toMatchObject({ code: "hook-not-trusted", exit: 5 });
    expect(error.message).toContain(alice.publicKey.text);
    expect(lab.entries).toEqual([]);
  });

  it("is sandboxed when the pin names none, whatever stands beside its manifest", async () => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    const parts = {
      hooks: [await gate("return allow('fine')")],
      chain: { "pre-tool": ["warden"] },
      turns: [READ, DONE],
    };
    await signInBlueprint(lab, { file: await lab.blueprint(parts), hook: "warden", key: alice });
    await lab.run(await lab.blueprint(parts));
    expect(hooksIn()).toMatchObject({ hook: "warden", tier: "sandboxed" });
    expect(hooksIn()).not.toHaveProperty("signer");
  });
});

describe("S11 a key revoked while a run uses its hook", () => {
  const REVOKED = {
    keys: [entryOf(alice)],
    revoked: [{ key: alice.publicKey.text, at: "2026-11-21", reason: "the laptop is lost" }],
  };
  /** Runs, and does something to the machine when the first result of a tool is on disk. */
  const runUntil = (file: string, change: () => void) => {
    let done = false;
    return lab.run(file, {
      onEntry: (entry) => {
        lab.entries.push(entry);
        if (entry.kind !== "input.tool" || done) return;
        done = true;
        change();
      },
    });
  };
  const distrusts = () =>
    lab.entries.filter(({ kind, body }) => kind === "input.control" && refOf(body).control === "distrust");

  it("stops the run at its next boundary; it goes on when the key is trusted again, and replays without a keyring", async () => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    const paused = await runUntil(await signedBlueprint([READ, READ, DONE]), () => writeKeyring(lab, REVOKED));
    expect(paused).toMatchObject({ state: "paused", exit: 4 });
    expect(paused.reason).toContain("hook `warden` is no longer trusted");
    expect(paused.reason).toContain("the laptop is lost");
    expect(refOf(distrusts()[0]?.body ?? {})).toMatchObject({ control: "distrust", hook: "warden" });
    expect(await statusOf(paused.run, lab.env)).toMatchObject({
      signed: [{ hook: "warden", signer: "alice", key: alice.publicKey.text }],
      distrusted: ["warden"],
    });

    await expect(resume(paused.run)).rejects.toMatchObject({ code: "hook-not-trusted", exit: 5 });
    writeKeyring(lab, { keys: [entryOf(alice)] });
    expect(await resume(paused.run)).toMatchObject({ state: "completed" });
    expect(await statusOf(paused.run, lab.env)).toMatchObject({ distrusted: [] });
    rmSync(join(lab.env.configDirs[1] ?? "", "keyring.yaml"));
    expect(await lab.replay(runFolder(lab.env, paused.run))).toMatchObject({ answer: "identical" });
    await expectSealed(paused);
  });

  it.each<[string, () => void, string]>([
    ["a keyring that cannot be read any more", () => writeFileSync(keyringFile(), "keys: ["), "keyring.yaml"],
    ["a keyring that others may write to", () => chmodSync(keyringFile(), 0o666), "others may write to"],
    ["a keyring that is gone", () => rmSync(keyringFile()), "which is in no keyring"],
    [
      "a machine that lets keys of users count no more",
      () => writeMachineConfig("trust: { userKeys: false }"),
      "in no keyring",
    ],
    [
      "a clock at which the key has ended",
      () => Object.assign(lab.env, { now: () => Date.UTC(2099, 0, 2) }),
      "is not valid at 2099",
    ],
  ])("it is the same with %s", async (_, change, why) => {
    writeKeyring(lab, { keys: [entryOf(alice, { until: "2099-01-01" })] });
    const paused = await runUntil(await signedBlueprint([READ, READ, DONE]), change);
    expect(paused.state).toBe("paused");
    expect(paused.reason).toContain(why);
    expect(distrusts()).toHaveLength(1);
  });

  it("stays paused after a crash behind the entry that says so, and is resumed when the key is trusted again", async () => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    const paused = await runUntil(await signedBlueprint([READ, READ, DONE]), () => writeKeyring(lab, REVOKED));
    await lab.crash(paused, '"control":"distrust"');
    await expect(resume(paused.run)).rejects.toMatchObject({ code: "hook-not-trusted" });
    await expect(rearmHook({ run: paused.run, hook: "warden", reason: "x" }, lab.env)).rejects.toMatchObject({
      exit: 5,
    });
    writeKeyring(lab, { keys: [entryOf(alice)] });
    // The pause that the crash cut off comes first.
    expect(await resume(paused.run)).toMatchObject({ state: "paused" });
    expect(await resume(paused.run)).toMatchObject({ state: "completed" });
    expect(await lab.replay(runFolder(lab.env, paused.run))).toMatchObject({ answer: "identical" });
  });

  it("may be ended, and nothing else", async () => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    const { run } = await runUntil(await signedBlueprint([READ, READ, DONE]), () => writeKeyring(lab, REVOKED));
    expect(await terminateRun({ run }, lab.env)).toMatchObject({ state: "terminated" });
  });

  it("stops a hook in the middle of its work: it is given nothing more, and what it gates does not happen", async () => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    const authority = { tools: ["file.read"] };
    const read = 'host.requestToolCall("file.read", JSON.stringify({ path: "a.txt" }))';
    const nested = 'if (JSON.parse(payload).call.origin !== "model") return allow("nested");';
    // What came of a call is on disk, and is seen to be, when the next one begins.
    const code = `try { ${read}; ${read}; ${read}; return allow("all"); } catch (error) { return allow(String(error)); }`;
    const file = await lab.blueprint({
      hooks: [await scriptedHook(nested + code, { name: "asker", phases: ["pre-tool"], authority, signedBy: alice })],
      chain: { "pre-tool": ["asker"] },
      grants: { asker: authority },
      turns: [{ calls: [{ tool: "file.write", arguments: { path: "out/b.txt", content: "x" } }] }, DONE],
    });
    const paused = await runUntil(file, () => writeKeyring(lab, REVOKED));
    expect(paused).toMatchObject({
      state: "paused",
      reason: expect.stringContaining("hook `asker` is no longer trusted"),
    });
    const refusals = lab.entries.filter(({ kind }) => kind === "check.refused").map(({ body }) => body);
    expect(refusals).toMatchObject([{ origin: "hook:asker", reason: "this hook is no longer trusted" }]);
    expect(existsSync(join(lab.workspace, "out/b.txt"))).toBe(false);
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
    writeKeyring(lab, { keys: [entryOf(alice)] });
    expect(await resume(paused.run)).toMatchObject({ state: "completed" });
    expect(await lab.replay(runFolder(lab.env, paused.run))).toMatchObject({ answer: "identical" });
    await expectSealed(paused);
  });
});

describe("a child whose hook is signed", () => {
  const SPAWN = { calls: [{ tool: "agent.spawn", arguments: { agent: "helper", goal: "look" } }] };

  async function family(child: readonly JsonObject[], childTools = ["file.read"]): Promise<string> {
    const hook = { ...(await gate("return allow('fine')")), signedBy: alice };
    return lab.blueprint({ turns: [SPAWN, DONE], child, childTools, childHooks: [hook] });
  }

  it("is trusted by itself, and is not begun where it is not", async () => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    const file = await family([READ, DONE]);
    const { children } = await lab.run(file);
    const [child = ""] = children;
    expect(await statusOf(child, lab.env)).toMatchObject({
      state: "completed",
      signed: [{ hook: "warden", signer: "alice" }],
    });

    writeKeyring(lab, {});
    const alone = await lab.run(file);
    expect(alone).toMatchObject({ state: "completed", children: [] });
    const [result] = lab.boundaries("post-tool");
    expect(JSON.stringify(result?.payload)).toContain("a hook of `helper` is not trusted");
    expect(await lab.replay(runFolder(lab.env, alone.run))).toMatchObject({ answer: "identical" });
  });

  it("S11 stops when its key is revoked, its parent with it; both go on when it is trusted again", async () => {
    await prepareHolds(lab);
    writeKeyring(lab, { keys: [entryOf(alice)] });
    const revoked = [{ key: alice.publicKey.text, at: "2026-11-21", reason: "lost" }];
    const file = await family([holding("a"), DONE], ["process.run"]);
    const { command } = await startHeld(lab, file, "a");
    writeKeyring(lab, { keys: [entryOf(alice)], revoked });
    await go(lab, "a");
    expect(await command.done).toMatchObject({ code: 4 });
    const told = await Promise.all((await runsOf(lab)).map((run) => statusOf(run, lab.env)));
    const [child = "", parent = ""] = told.sort((a) => (a.parent === null ? 1 : -1)).map(({ run }) => run);
    expect(await statusOf(child, lab.env)).toMatchObject({ state: "paused", distrusted: ["warden"] });

    // Whoever wants the parent to go on hears that the child does not.
    expect(await resume(parent)).toMatchObject({ state: "paused" });
    writeKeyring(lab, { keys: [entryOf(alice)] });
    expect(await resume(parent)).toMatchObject({ state: "completed" });
    expect(await statusOf(child, lab.env)).toMatchObject({ state: "completed", distrusted: [] });
    for (const run of [child, parent])
      expect(await lab.replay(runFolder(lab.env, run))).toMatchObject({ answer: "identical" });
  });

  it("S11 stops with the run that waits for it, whose key is revoked while the child is at work", async () => {
    await prepareHolds(lab);
    writeKeyring(lab, { keys: [entryOf(alice)] });
    const hooks = [{ ...(await gate("return allow('fine')")), signedBy: alice }];
    const child = [holding("a"), READ, DONE];
    const parts = { hooks, chain: { "pre-tool": ["warden"] }, child, childTools: ["process.run", "file.read"] };
    const { command } = await startHeld(lab, await lab.blueprint({ turns: [SPAWN, DONE], ...parts }), "a");
    writeKeyring(lab, {});
    await go(lab, "a");
    expect(await command.done).toMatchObject({ code: 4 });
    const told = await Promise.all((await runsOf(lab)).map((run) => statusOf(run, lab.env)));
    expect(told.find(({ parent }) => parent !== null)).toMatchObject({
      state: "paused",
      usage: { toolCalls: 1 },
      distrusted: [],
    });
    const parent = told.find((run) => run.parent === null);
    expect(parent).toMatchObject({ state: "paused", distrusted: ["warden"] });
    writeKeyring(lab, { keys: [entryOf(alice)] });
    expect(await resume(parent?.run ?? "")).toMatchObject({ state: "completed" });
    for (const { run } of told)
      expect(await lab.replay(runFolder(lab.env, run))).toMatchObject({ answer: "identical" });
  });
});

/** Without its key, too, the run is what it was. */
async function expectSealed(summary: RunSummary): Promise<void> {
  await lab.forget(summary);
  const found = await lab.replay(runFolder(lab.env, summary.run));
  expect(found).toMatchObject({ answer: "identical-except-sealed" });
}

function refOf({ ref }: JsonObject): JsonObject {
  return isJsonObject(ref) ? ref : {};
}

function keyringFile(): string {
  return join(lab.env.configDirs[1] ?? "", "keyring.yaml");
}

function writeMachineConfig(text: string): void {
  const folder = lab.env.configDirs[0] ?? "";
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "config.yaml"), text);
}
