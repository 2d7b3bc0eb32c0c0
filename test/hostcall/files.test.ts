import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readRunKey, runKeyFile } from "../../src/journal/keys.ts";
import type { Outcome } from "../../src/model/entry.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { type RunSummary, resumeRun } from "../../src/runtime.ts";
import { once, refusals } from "../support/burglar.ts";
import { forgeOutcomes } from "../support/forger.ts";
import { Lab, scriptedHook } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("out/old", "here before");
});
afterEach(() => lab.close());

const content = (path: string) => readFile(join(lab.workspace, path), "utf8");

describe("the quota of a hook", () => {
  test("H13 `fileBytes`: writes add up, and what would be too much is not written", async () => {
    const said = await once(
      lab,
      `const root = files.openRoot("out");
       return [[6, "x"], [6, "y"], [4, "x"], [1, "z"], [0, "z"]].map(([length, name]) => said(() => files.write(root, name, new Uint8Array(length))));`,
      { limits: { fileBytes: 10 } },
    );
    const ok = { ok: null };
    expect(said).toEqual([
      ok,
      { error: "quota: `fileBytes`: allowed 10, used 12" },
      ok,
      { error: "quota: `fileBytes`: allowed 10, used 11" },
      ok,
    ]);
    expect((await content("out/x")).length).toBe(4);
    await expect(content("out/y")).rejects.toThrow("ENOENT");
    expect(refusals(lab)).toEqual(["fileBytes"]);
  });

  test("H13 `files`: what is created counts, also when it is gone; what was there does not", async () => {
    const said = await once(
      lab,
      `const root = files.openRoot("out");
       const write = (name) => said(() => files.write(root, name, bytes("new")));
       return [
         write("old"), write("a"), said(() => files.createDirectory(root, "d")), said(() => files.createDirectory(root, "d")),
         said(() => files.remove(root, "a")), write("b"), said(() => files.createDirectory(root, "e")), write("old"),
         said(() => files.rename(root, "old", "a")), write("a"),
       ];`,
      { limits: { files: 2 } },
    );
    const ok = { ok: null };
    const over = { error: "quota: `files`: allowed 2, used 3" };
    const exists = { error: expect.stringMatching(/^exists: /) };
    expect(said).toEqual([ok, ok, ok, exists, ok, over, over, ok, ok, ok]);
    expect(await content("out/a")).toBe("new");
    await expect(content("out/b")).rejects.toThrow("ENOENT");
    expect(lab.entries.filter(({ kind }) => kind === "check.limit").map(({ body }) => body)).toEqual([
      { hook: "burglar", limit: "files", allowed: 2, used: 3 },
      { hook: "burglar", limit: "files", allowed: 2, used: 3 },
    ]);
  });

  test("H13 creating that fails counts nothing, a write that fails counts its bytes", async () => {
    const said = await once(
      lab,
      `const root = files.openRoot("out");
       return [
         said(() => files.write(root, "nowhere/x", bytes("123"))),
         said(() => files.write(root, "x", bytes("12"))),
         said(() => files.write(root, "x", bytes("1"))),
       ];`,
      { limits: { files: 1, fileBytes: 5 } },
    );
    expect(said).toEqual([
      { error: expect.stringMatching(/^not-found: /) },
      { ok: null },
      { error: "quota: `fileBytes`: allowed 5, used 6" },
    ]);
  });

  test("is one for all levels, instances and steps of a run", async () => {
    const OUT = { tools: ["file.read"], files: [{ name: "out", path: "out", actions: ["read", "write"] }] };
    const writer = await scriptedHook(
      `const name = phase + JSON.parse(payload).usage.steps;
       const wrote = (() => { try { files.write(files.openRoot("out"), name, new Uint8Array(4)); return "wrote"; } catch (error) { return error.message; } })();
       if (phase === "pre-plan") host.requestToolCall("file.read", JSON.stringify({ path: "out/old" }));
       return allow(wrote);`,
      { name: "writer", phases: ["pre-plan", "pre-tool"], instance: "call", authority: OUT, limits: { fileBytes: 6 } },
    );
    const file = await lab.blueprint({
      hooks: [writer],
      grants: { writer: OUT },
      chain: { "pre-plan": ["writer"], "pre-tool": ["writer"] },
      turns: [{ text: "done" }],
    });
    expect(await lab.run(file)).toMatchObject({ state: "completed" });
    const said = ["pre-plan", "pre-tool"].flatMap((phase) => lab.rationales(phase));
    expect(said).toEqual(["wrote", "quota: `fileBytes`: allowed 6, used 8"]);
    expect(lab.boundaries("pre-tool")[0]?.level).toBe(1);
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });

  /** Crashes behind an entry, resumes, and gives what the hook said then. */
  async function crashedAt(...words: readonly string[]): Promise<unknown> {
    const OUT = { tools: [], files: [{ name: "out", path: "out", actions: ["read", "write"] }] };
    const writer = await scriptedHook(
      `const root = files.openRoot("out");
       return allow(JSON.stringify(["a", "b"].map((name) => {
         try { files.write(root, name, new Uint8Array(4)); return "wrote"; } catch (error) { return error.message; }
       })));`,
      { name: "writer", phases: ["pre-plan"], authority: OUT, limits: { files: 1, fileBytes: 8 } },
    );
    const file = await lab.blueprint({
      hooks: [writer],
      grants: { writer: OUT },
      chain: { "pre-plan": ["writer"] },
      turns: [{ text: "done" }],
    });
    const summary = await lab.run(file);
    expect(summary.state).toBe("completed");
    await lab.crash(summary, ...words);
    lab.entries.length = 0;
    expect(await resumeRun({ run: summary.run, ...lab.watching }, lab.env)).toMatchObject({ state: "completed" });
    expect(await lab.replay(join(lab.env.stateDir, "runs", summary.run))).toMatchObject({ answer: "identical" });
    return JSON.parse(String(lab.rationales("pre-plan")[0]));
  }

  test.each([
    ["in the middle of the write, which had created the file", ['"check.intent"', '"operation":"write"']],
    ["behind the look, before the write", ['"input.file"', '"operation":"look"']],
    ["behind the write", ['"input.file"', '"operation":"write"']],
  ])("H13 counts the same after a crash %s", async (_, words) => {
    expect(await crashedAt(...words)).toEqual(["wrote", "quota: `files`: allowed 1, used 2"]);
  });
});

describe("recorded answers", () => {
  const OUT = { tools: [], files: [{ name: "out", path: "out", actions: ["read", "write"] }] };

  async function recorded(
    statements: string,
    limits: JsonObject,
  ): Promise<{ readonly summary: RunSummary; readonly folder: string }> {
    const hook = await scriptedHook(`const root = files.openRoot("out"); ${statements}`, {
      name: "reader",
      phases: ["pre-plan"],
      authority: OUT,
      limits,
    });
    const file = await lab.blueprint({
      hooks: [hook],
      grants: { reader: OUT },
      chain: { "pre-plan": ["reader"] },
      turns: [{ text: "done" }],
    });
    const summary = await lab.run(file);
    expect(summary.state).toBe("completed");
    const folder = join(lab.env.stateDir, "runs", summary.run);
    expect(await lab.replay(folder)).toMatchObject({ answer: "identical" });
    return { summary, folder };
  }

  /** Replays after the outcomes of one operation were changed by somebody who holds the key. */
  async function replayForged(statements: string, operation: string, forged: (outcome: Outcome) => Outcome) {
    const { summary, folder } = await recorded(statements, { files: 2 });
    const { run, journal } = summary;
    const key = readRunKey(runKeyFile(join(lab.env.stateDir, "keys"), run));
    if (key === undefined) throw new Error("the run has no key");
    await forgeOutcomes(journal, { key, run }, (entry, outcome) =>
      (entry.body.ref as JsonObject | undefined)?.operation === operation ? forged(outcome) : outcome,
    );
    return lab.replay(folder);
  }

  test("and refusals are not needed for a replay without the key: what was let through stands in clear", async () => {
    const { summary, folder } = await recorded(
      `
      const said = (work) => { try { work(); return "done"; } catch (error) { return error.message; } };
      const denied = said(() => files.read(root, "../x", 0, 1));
      return allow(denied + " " + ["a", "b", "c"].map((name) => said(() => files.write(root, name, new Uint8Array(1)))).join());`,
      { files: 2 },
    );
    await lab.forget(summary);
    expect(await lab.replay(folder)).toMatchObject({ answer: "identical-except-sealed" });
    expect(refusals(lab)).toEqual(["files", "the path leaves its directory"]);
  });

  test.each([
    ["create-directory", 'files.createDirectory(root, "new")'],
    ["remove", 'files.remove(root, "old")'],
    ["rename", 'files.rename(root, "old", "new")'],
  ])("L9 that a crash has lost pause the run: `%s` is not done again", async (operation, statement) => {
    const { summary, folder } = await recorded(`${statement}; return allow("done");`, {});
    await lab.crash(summary, '"check.intent"', `"operation":"${operation}"`);
    const resumed = await resumeRun({ run: summary.run, ...lab.watching }, lab.env);
    expect(resumed).toMatchObject({ state: "paused", reason: expect.stringContaining("outcome unknown") });
    expect(await lab.replay(folder)).toMatchObject({ answer: "identical" });
  });

  const READ = 'return allow(String.fromCharCode(...files.read(root, "old", 0, 4)));';

  test("D12 that were changed make the replay diverge where the hook says something else", async () => {
    const value = Buffer.from("HERE").toString("base64");
    const result = await replayForged(READ, "read", () => ({ kind: "ok", value }));
    expect(result).toMatchObject({ answer: "diverged" });
    expect(JSON.stringify(result)).toContain("check.boundary");
  });

  test("D12 that were sealed again as they were replay: the forger of these tests changes nothing else", async () => {
    expect(await replayForged(READ, "read", (outcome) => outcome)).toMatchObject({ answer: "identical" });
  });

  test("D12 that say that a file was there change what is counted, and the quota says so", async () => {
    const statements = `
      for (let n = 0; n < 3; n++) { try { files.write(root, "f" + n, new Uint8Array(1)); } catch (error) { return allow(error.message); } }
      return allow("all written");`;
    const result = await replayForged(statements, "look", () => ({ kind: "ok", value: true }));
    expect(result).toMatchObject({ answer: "diverged" });
    expect(JSON.stringify(result)).toContain("check.limit");
  });
});

describe("sleep", () => {
  test("is refused where the limits of the hook would cut it short, and nobody waits", async () => {
    const said = await once(
      lab,
      `const before = host.now();
       return { minute: said(() => host.sleep(60000)), most: said(() => host.sleep(4294967295)), slept: Number(host.now() - before) };`,
      { limits: { hostcallMs: 500 } },
    );
    const refused = (ms: number) => ({
      error: `a sleep of ${ms} ms, allowed 0 to 500 ms: \`hostcallMs\` allows no more`,
    });
    expect(said).toEqual({
      minute: refused(60_000), // As QuickJS hands it over.
      most: refused(2_147_483_647),
      slept: 0,
    });
    expect(lab.entries.some(({ kind }) => kind === "input.sleep")).toBe(false);
  });

  test("R15 ends with its run: a cancelled run does not wait for it, and replays", async () => {
    const OUT = { tools: [], files: [{ name: "out", path: "out", actions: ["write"] }] };
    const sleeper = await scriptedHook(
      'files.write(files.openRoot("out"), "asleep", new Uint8Array(0)); host.sleep(50000); return allow("slept");',
      { name: "sleeper", phases: ["pre-plan"], authority: OUT, limits: { deadlineMs: 60_000, hostcallMs: 60_000 } },
    );
    const file = await lab.blueprint({
      hooks: [sleeper],
      grants: { sleeper: OUT },
      chain: { "pre-plan": ["sleeper"] },
      turns: [{ text: "done" }],
    });
    const stop = new AbortController();
    const running = lab.run(file, { signal: stop.signal });
    const over = running.then(() => true);
    const asleep = () =>
      content("out/asleep").then(
        () => true,
        () => false,
      );
    while (!(await asleep())) {
      const ended = await Promise.race([over, new Promise((resolve) => setTimeout(() => resolve(false), 20))]);
      if (ended === true) throw new Error("the run ended before its hook slept");
    }
    const stopped = Date.now();
    stop.abort();
    expect(await running).toMatchObject({ state: "terminated" });
    expect(Date.now() - stopped).toBeLessThan(40_000);
    expect(lab.entries.filter(({ kind }) => kind === "input.sleep")).toHaveLength(1);
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });
});
