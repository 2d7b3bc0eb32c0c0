import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { cp, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { digestOf } from "../../src/model/canonical.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { resumeRun } from "../../src/runtime.ts";
import { buildGuest, hookSource } from "../support/guests.ts";
import { Lab, scriptedHook } from "../support/lab.ts";
import { CHILD, TURNS } from "../support/phases.ts";

const run = promisify(execFile);
let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "secret of a");
});
afterEach(() => lab.close());

const store = () => join(lab.env.dataDir, "proposals");
const ROOT = new URL("../..", import.meta.url).pathname;

/** A hook folder with a gate that denies file.write, made from the shipped tool gate. */
async function candidate(version = "9.0.0"): Promise<string> {
  const folder = join(lab.root, "candidate");
  await cp(join(ROOT, "hooks/tool-gate"), folder, { recursive: true });
  const manifest = await readFile(join(folder, "hook.yaml"), "utf8");
  await writeFile(join(folder, "hook.yaml"), manifest.replace(/version: "[^"]+"/, `version: "${version}"`));
  return folder;
}

/** A folder with version 2 of `gate`, which blocks `file.write`. */
async function stricterGate(): Promise<string> {
  const folder = join(lab.root, "stricter");
  const component = await buildGuest(
    hookSource('return payload.includes(\'"tool":"file.write"\') ? block("no writing") : allow("fine");'),
  );
  const manifest = {
    apiVersion: "pinion.dev/v1",
    kind: "Hook",
    metadata: { name: "gate", version: "2.0.0" },
    spec: {
      world: "pinion:hook/hook@1.0.0",
      component: { file: "gate.wasm", digest: digestOf(component) },
      role: "gate",
      phases: ["pre-tool"],
      limits: { memoryPages: 512 },
    },
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "gate.wasm"), component);
  await writeFile(join(folder, "hook.yaml"), stringify(manifest));
  return folder;
}

async function propose(folder: string): Promise<string> {
  const done = await lab.finished("hook", ["propose", folder, "--reason", "stricter \u202e writes"]);
  expect(done).toMatchObject({ code: 0 });
  return done.stdout.trim();
}

async function json(args: readonly string[]): Promise<JsonObject> {
  const done = await lab.finished("hook", [...args, "--json"]);
  return { ...(JSON.parse(done.stdout) as JsonObject), code: done.code };
}

describe("a proposal of a person", () => {
  test("is kept inert for this user alone, once however often it is proposed", async () => {
    const folder = await candidate();
    const id = await propose(folder);
    expect(id).toMatch(/^[0-9a-f]{40}$/);
    expect(await propose(folder)).toBe(id);
    expect((await stat(store())).mode & 0o777).toBe(0o700);
    expect((await stat(join(store(), id))).mode & 0o777).toBe(0o700);
    const listed = await lab.finished("hook", ["proposals", "list"]);
    expect(listed.stdout).toContain(`${id}  pending  tool-gate@9.0.0`);
    expect(listed.stdout).toContain("stricter \\u{202e} writes");
  });

  test("is shown with its digests and what it changes", async () => {
    const id = await propose(await candidate());
    const shown = await lab.finished("hook", ["proposals", "show", id]);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain("compared with tool-gate@");
    expect(shown.stdout).toContain('+  version: "9.0.0"');
    expect(shown.stdout).not.toContain("+++ b/hook.ts");
    expect(shown.stdout).toContain("in shadow: never yet");
    expect(shown.stdout).toMatch(/^powers +gate$/m);
  });

  test("is shown with the power to make leases, where it asks for the world that has it", async () => {
    const folder = await candidate();
    const manifest = await readFile(join(folder, "hook.yaml"), "utf8");
    await writeFile(join(folder, "hook.yaml"), manifest.replace("pinion:hook/hook@", "pinion:hook/trusted-hook@"));
    const id = await propose(folder);
    const shown = await lab.finished("hook", ["proposals", "show", id]);
    expect(shown.stdout).toMatch(/^powers +gate, mint: makes leases$/m);
    expect(await json(["proposals", "show", id])).toMatchObject({ powers: ["gate", "mint"] });
  });

  test("that was rejected stays so: it neither runs in shadow nor is decided about again", async () => {
    const id = await propose(await candidate());
    expect(await json(["proposals", "reject", id, "--reason", "no"])).toMatchObject({ proposal: id, code: 0 });
    expect(await json(["proposals", "show", id])).toMatchObject({ state: "rejected", decision: { reason: "no" } });
    const again = await lab.finished("hook", ["proposals", "reject", id, "--reason", "no"]);
    expect(again).toMatchObject({ code: 2 });
    expect(again.stderr).toContain(`proposal \`${id}\` was rejected already`);
    expect(await json(["proposals", "approve", id, "--key", "none.key", "--out", "approved"])).toMatchObject({
      code: 2,
      error: { code: "proposal-rejected" },
    });
    expect(existsSync(join(lab.root, "approved"))).toBe(false);
    const file = await lab.blueprint({ turns: TURNS, child: CHILD });
    await expect(lab.run(file, { shadows: [id] })).rejects.toMatchObject({ code: "proposal-rejected" });
  });

  test.each(["component.wasm"])("S14 edited in %s is another one, and its id is refused", async (name) => {
    const folder = await candidate();
    const id = await propose(folder);
    const path = join(store(), id, name);
    const bytes = await readFile(path);
    const at = bytes.lastIndexOf("e");
    bytes[at] = "f".charCodeAt(0);
    await writeFile(path, bytes);
    for (const args of [
      ["show", id],
      ["reject", id, "--reason", "x"],
      ["approve", id, "--key", "none.key", "--out", "approved"],
    ]) {
      const done = await lab.finished("hook", ["proposals", ...args]);
      expect(done).toMatchObject({ code: 5 });
      expect(done.stderr).toContain("were changed after it was made");
    }
    const file = await lab.blueprint({ turns: TURNS, child: CHILD });
    await expect(lab.run(file, { shadows: [id] })).rejects.toMatchObject({ code: "proposal-changed" });
    expect(await lab.finished("hook", ["propose", folder])).toMatchObject({ code: 5 });
    expect((await lab.finished("hook", ["proposals", "list"])).stdout).toContain(`${id}  changed`);
  });

  test("S14 put under the id of another one is refused", async () => {
    const first = await propose(await candidate());
    await rm(join(lab.root, "candidate"), { recursive: true });
    const second = await propose(await candidate("9.0.1"));
    await rm(join(store(), first), { recursive: true });
    await rename(join(store(), second), join(store(), first));
    expect(await json(["proposals", "show", first])).toMatchObject({ code: 5, error: { code: "proposal-changed" } });
  });
});

describe("a proposal in the shadow of a run", () => {
  test("is told apart from the hook of its name, is never obeyed, and shows what it would have done", async () => {
    const id = await propose(await stricterGate());
    const file = await lab.blueprint({
      hooks: [await scriptedHook('return allow("")', { name: "gate", phases: ["pre-tool"] })],
      chain: { "pre-tool": ["gate"] },
      turns: TURNS,
      child: CHILD,
    });
    const summary = await lab.run(file, { shadows: [id] });
    expect(summary).toMatchObject({ state: "completed", result: "told: secret of a / helped" });
    expect(lab.boundaries("pre-tool").map(({ decision }) => decision)).toEqual(["allow", "allow", "allow"]);
    const shadows = lab.entries.filter(({ kind }) => kind === "check.shadow").map(({ body }) => body);
    expect(shadows.map(({ hook, version, agreement }) => [hook, version, agreement])).toEqual([
      ["gate", "2.0.0", "same"],
      ["gate", "2.0.0", "newly-blocked"],
      ["gate", "2.0.0", "same"],
    ]);
    const view = await json(["proposals", "show", id]);
    const total = {
      boundaries: 3,
      same: 2,
      "newly-blocked": 1,
      "newly-allowed": 0,
      "transforms-differently": 0,
      failed: 0,
    };
    expect(view.shadow).toMatchObject({
      total,
      unreadable: [],
      runs: [{ run: summary.run, agent: "lab@1.0.0", changes: [{ phase: "pre-tool", subject: "write file.write" }] }],
    });
    const shown = await lab.finished("hook", ["proposals", "show", id]);
    expect(shown.stdout).toContain("in shadow: 3 boundaries, 2 same, 1 newly-blocked");
    expect(shown.stdout).toMatch(/newly-blocked {2}pre-tool {2}step 1 {2}write file\.write {2}\(entry \d+ of /);
    await rm(store(), { recursive: true });
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });

  test("R22 goes on there after a crash, with the proposal gone from its store", async () => {
    const id = await propose(await stricterGate());
    const file = await lab.blueprint({ turns: TURNS, child: CHILD });
    const summary = await lab.run(file, { shadows: [id] });
    await lab.crash(summary, "check.shadow", '"newly-blocked"');
    await rm(store(), { recursive: true });
    const resumed = await resumeRun({ run: summary.run, by: "test", ...lab.watching }, lab.env);
    expect(resumed).toMatchObject({ state: "completed" });
    expect(await lab.replay(dirname(summary.journal))).toMatchObject({ answer: "identical" });
  });

  test("C6 that would make leases is refused: who does is trusted", async () => {
    const folder = await stricterGate();
    const manifest = await readFile(join(folder, "hook.yaml"), "utf8");
    await writeFile(join(folder, "hook.yaml"), manifest.replace("hook/hook@", "hook/trusted-hook@"));
    const id = await propose(folder);
    const file = await lab.blueprint({ turns: TURNS, child: CHILD });
    await expect(lab.run(file, { shadows: [id] })).rejects.toMatchObject({ code: "no-shadow" });
    expect(await json(["proposals", "show", id])).toMatchObject({ powers: ["gate", "mint"] });
    const shown = (await lab.finished("hook", ["proposals", "show", id])).stdout;
    expect(shown).toMatch(/powers +gate, mint: makes leases/);
    expect(shown).toContain("in shadow: never; a hook that makes leases cannot run there");
  });

  test("that is not there, or that is named twice, is refused before anything starts", async () => {
    const id = await propose(await stricterGate());
    const file = await lab.blueprint({ turns: TURNS, child: CHILD });
    await expect(lab.run(file, { shadows: ["0123456789abcdef"] })).rejects.toMatchObject({ code: "no-such-proposal" });
    await expect(lab.run(file, { shadows: ["../../x"] })).rejects.toMatchObject({ code: "no-such-proposal" });
    await expect(lab.run(file, { shadows: [id, id] })).rejects.toMatchObject({ code: "shadow-twice" });
    expect(existsSync(join(lab.env.stateDir, "runs"))).toBe(false);
  });
});

/** The comment would hide what follows on a terminal. */
const SOURCE = `// \u001b[8m harmless
import { allow, block, defineHook } from "./sdk/hook.ts";

export const { configure, handle } = defineHook({
  role: "gate",
  configure: () => ({}),
  handlers: {
    "pre-tool": ({ call }) => (call.tool === "file.write" ? block("nothing is written here") : allow("it writes nothing")),
  },
});
`;

const PROPOSAL = {
  name: "no-writing",
  version: "1.0.0",
  role: "gate",
  phases: ["pre-tool"],
  description: "blocks writing",
  source: SOURCE,
  reason: "I write too much \u001b[2J",
};

/** A run whose agent proposes this, once for each; what it was told. */
async function proposing(...proposals: readonly JsonObject[]) {
  const calls = proposals.map((call, at) => ({ id: `p${at}`, tool: "hook.propose", arguments: call }));
  const file = await lab.blueprint({
    turns: [{ text: "I propose", calls }, { text: "done" }],
    tools: ["hook.propose"],
  });
  const summary = await lab.run(file);
  const told = lab.boundaries("post-tool").map(({ payload }) => (payload as { readonly result: JsonObject }).result);
  return { summary, told };
}

describe("a proposal of an agent", () => {
  test("A8 goes from its source to shadow, to a signature, to a gate that is trusted", async () => {
    const { summary, told } = await proposing(PROPOSAL, { ...PROPOSAL, reason: "again" });
    expect(summary).toMatchObject({ state: "completed" });
    const id = String((told[0]?.value as JsonObject | undefined)?.proposal);
    expect(told[1]).toEqual(told[0]);
    expect(await lab.replay()).toMatchObject({ answer: "identical" });

    const listed = await lab.finished("hook", ["proposals", "list"]);
    expect(listed.stdout).toContain(`agent lab@1.0.0 in run ${summary.run}  I write too much \\u{1b}[2J`);
    expect(listed.stdout.trim().split("\n")).toHaveLength(1);

    const file = await lab.blueprint({ turns: TURNS, child: CHILD });
    const watched = await lab.run(file, { shadows: [id] });
    expect(watched).toMatchObject({ state: "completed", result: "told: secret of a / helped" });
    await rm(join(lab.workspace, "out"), { recursive: true });
    const view = await json(["proposals", "show", id]);
    expect(view).toMatchObject({
      state: "pending",
      by: { kind: "agent", run: summary.run },
      call: { step: 1, id: "p0" },
      shadow: { total: { boundaries: 3, same: 2, "newly-blocked": 1 }, runs: [{ run: watched.run }] },
    });
    expect(view.diff).toContain("+import { allow, block, defineHook }");
    // A8: what a terminal would act on is seen by who approves.
    const shown = await lab.finished("hook", ["proposals", "show", id]);
    expect(shown.stdout).toContain("+// \\u{1b}[8m harmless");
    expect(shown.stdout).toMatch(/because +I write too much \\u\{1b\}\[2J/);
    expect(shown.stdout).toContain(`agent lab@1.0.0 in run ${summary.run}, step 1, call p0 (entry `);

    await writeFile(join(lab.root, "passphrase"), "a long enough phrase\n");
    const secret = async (...args: readonly string[]) => {
      const line = `exec "$@" --passphrase-fd 3 3< ${join(lab.root, "passphrase")}`;
      const bin = join(ROOT, "bin/hook.mjs");
      const { stdout } = await run("sh", ["-c", line, "sh", process.execPath, bin, ...args, "--json"], {
        cwd: lab.root,
        env: lab.variables,
      });
      return JSON.parse(stdout) as JsonObject;
    };
    const key = await secret("keygen", "admin", "--dir", "keys");
    const out = join(lab.root, "blueprint", "approved");
    const approved = await secret("proposals", "approve", id, "--key", String(key.file), "--out", out);
    expect(approved).toMatchObject({ proposal: id, name: "no-writing", key: key.key });
    expect(await json(["proposals", "show", id])).toMatchObject({ state: "approved", decision: { key: key.key } });
    const scope = ["--owner", "me", "--hooks", "no-writing", "--phases", "pre-tool", "--powers", "gate"];
    expect(await lab.finished("hook", ["trust", "add", "admin", String(key.key), ...scope])).toMatchObject({ code: 0 });
    expect(await lab.finished("hook", ["verify", out])).toMatchObject({ code: 0 });

    const pinned = parse(await readFile(file, "utf8"));
    const { name, version, digest, signature } = approved;
    pinned.spec.pins.hooks = [{ name, version, digest, signature, source: "approved/hook.yaml" }];
    pinned.spec.hooks.chain = { "pre-tool": ["no-writing"] };
    await writeFile(file, stringify(pinned, { aliasDuplicateObjects: false }));
    expect(await lab.run(file)).toMatchObject({ state: "completed", blocked: 1 });
    const [hooks] = lab.entries.filter(({ kind }) => kind === "check.hooks").map(({ body }) => body.hooks);
    expect(hooks).toMatchObject([{ hook: "no-writing", tier: "trusted", signer: { id: "admin" } }]);
    expect(existsSync(join(lab.workspace, "out/made.txt"))).toBe(false);
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });

  test("is found again after a crash in the middle of proposing it, and not proposed twice", async () => {
    const { summary, told } = await proposing(PROPOSAL);
    await lab.crash(summary, "check.intent", "input.tool");
    lab.entries.length = 0;
    expect(await resumeRun({ run: summary.run, by: "test", ...lab.watching }, lab.env)).toMatchObject({
      state: "completed",
    });
    const again = lab.boundaries("post-tool").map(({ payload }) => (payload as { readonly result: JsonObject }).result);
    expect(again).toEqual(told);
    expect(readdirSync(store())).toHaveLength(1);
    await rm(store(), { recursive: true });
    expect(await lab.replay(dirname(summary.journal))).toMatchObject({ answer: "identical" });
  });

  test("whose source does not build is an answer to the agent, and no proposal", async () => {
    const { summary, told } = await proposing(
      { ...PROPOSAL, source: "let x: = 3" },
      { ...PROPOSAL, name: "Bad Name" },
      { ...PROPOSAL, source: 'import text from "../../../../../../etc/passwd"; export const configure = text;' },
    );
    expect(summary).toMatchObject({ state: "completed" });
    expect(told.map(({ code }) => code)).toEqual(["build-failed", "invalid-file", "build-failed"]);
    expect(String(told[0]?.message)).toContain("hook.ts:1:8");
    expect(JSON.stringify(told)).not.toContain("root:");
    expect(JSON.stringify(told)).not.toContain(ROOT);
    expect(existsSync(store())).toBe(false);
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });

  test("of a tool that the blueprint does not allow is denied", async () => {
    const calls = [{ id: "p", tool: "hook.propose", arguments: PROPOSAL }];
    const file = await lab.blueprint({ turns: [{ text: "", calls }, { text: "done" }], tools: ["file.read"] });
    await lab.run(file);
    expect(existsSync(store())).toBe(false);
  });
});
