import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isJsonObject, type JsonObject } from "../../src/model/json.ts";
import { runFolder } from "../../src/runtime/machine.ts";
import { resumeRun } from "../../src/runtime/resume.ts";
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
  const file = await lab.blueprint({ hooks: [await gate(code)], chain: { "pre-tool": ["warden"] }, turns });
  await signInBlueprint(lab, { file, hook: "warden", key: alice });
  return file;
}

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
  const REVOKED = { revoked: [{ key: alice.publicKey.text, at: "2026-11-21", reason: "the laptop is lost" }] };

  it("stops the run at its next boundary; it goes on when the key is trusted again, and replays without a keyring", async () => {
    writeKeyring(lab, { keys: [entryOf(alice)] });
    const file = await signedBlueprint([READ, READ, DONE]);
    const paused = await lab.run(file, {
      onEntry: (entry) => {
        lab.entries.push(entry);
        const isFirst =
          entry.kind === "input.tool" && lab.entries.filter(({ kind }) => kind === "input.tool").length === 1;
        if (isFirst) writeKeyring(lab, { keys: [entryOf(alice)], ...REVOKED });
      },
    });
    expect(paused.state).toBe("paused");
    expect(paused.reason).toContain("hook `warden` is no longer trusted");
    expect(paused.reason).toContain("the laptop is lost");
    const control = lab.entries.find(({ kind }) => kind === "input.control");
    expect(isJsonObject(control?.body.ref) && control.body.ref).toMatchObject({ control: "distrust", hook: "warden" });

    const resume = () => resumeRun({ run: paused.run, ...lab.watching }, lab.env);
    await expect(resume()).rejects.toMatchObject({ code: "hook-not-trusted", exit: 5 });
    writeKeyring(lab, { keys: [entryOf(alice)] });
    expect(await resume()).toMatchObject({ state: "completed" });
    rmSync(join(lab.env.configDirs[1] ?? "", "keyring.yaml"));
    expect(await lab.replay(runFolder(lab.env, paused.run))).toMatchObject({ answer: "identical" });
  });
});
