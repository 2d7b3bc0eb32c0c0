import { existsSync, readFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import type { RunSummary } from "../../src/runtime.ts";
import { resumeRun, revokeLease } from "../../src/runtime.ts";
import { runsOf, until } from "../support/held.ts";
import { Lab, scriptedHook } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "a");
  await lab.file("b.txt", "b");
  await lab.file("app/a.txt", "in app");
  await lab.file("app-backup/a.txt", "in the backup");
});
afterEach(() => lab.close());

const read = (id: string, path: string) => ({ id, tool: "file.read", arguments: { path } });
const write = (id: string, path: string, content = "w") => ({
  id,
  tool: "file.write",
  arguments: { path, content, createDirectories: true },
});
const turns = (...calls: readonly JsonObject[]) => [{ text: "working", calls }, { text: "done" }];
const eachInTurn = (...calls: readonly JsonObject[]) => [
  ...calls.map((call) => ({ text: "go", calls: [call] })),
  { text: "done" },
];

/** What happened to leases, as the journal says. */
function events(): readonly string[] {
  return lab.entries.filter(({ kind }) => kind === "check.lease").map(({ body }) => `${body.lease} ${body.event}`);
}

/** Which calls took place. */
function performed(): readonly unknown[] {
  return lab.entries
    .filter(({ kind, body }) => kind === "input.tool" && (body.ref as JsonObject).again === undefined)
    .map(({ body }) => (body.ref as JsonObject).call);
}

/** Why calls did not take place. */
function denials(): readonly string[] {
  return lab.boundaries("pre-tool").flatMap(({ decision, reason }) => (decision === "block" ? [String(reason)] : []));
}

/** The record replays with the world gone, with its key and without. */
async function expectReplays({ run }: RunSummary): Promise<void> {
  const recording = join(lab.root, "out.jsonl");
  await rm(lab.workspace, { recursive: true });
  expect(await lab.replay(recording, { key: join(lab.env.stateDir, "keys", `${run}.key`) })).toMatchObject({
    answer: "identical",
  });
  await rm(join(lab.env.stateDir, "keys", `${run}.key`));
  expect(await lab.replay(recording)).toMatchObject({ answer: "identical-except-sealed" });
}

describe("what a layer lets the agent use under a lease only", () => {
  test("is denied without one, and gates see that there is none", async () => {
    const looker = await scriptedHook("return allow(JSON.stringify(JSON.parse(payload).leases ?? null));", {
      phases: ["pre-tool"],
    });
    const file = await lab.blueprint({
      hooks: [looker],
      chain: { "pre-tool": ["scripted"] },
      policy: { leases: { require: ["fs"] } },
      turns: turns(read("one", "a.txt")),
    });
    const summary = await lab.run(file);
    expect(summary).toMatchObject({ state: "completed", blocked: 1 });
    expect(performed()).toEqual([]);
    expect(denials()).toEqual([expect.stringContaining("lease: none: no lease covers `read` on this part of `fs`")]);
    expect(lab.rationales("pre-tool")).toEqual(["[]"]);
    expect(events()).toEqual(["null refused"]);
    await expectReplays(summary);
  });

  test("C8 is covered by segments: a lease for `app` is none for `app-backup`", async () => {
    const file = await lab.blueprint({
      leases: { require: ["fs"], grant: ["capability://fs/workspace/app/**?action=read"] },
      turns: turns(read("in", "app/a.txt"), read("out", "app-backup/a.txt"), read("top", "a.txt")),
    });
    const summary = await lab.run(file);
    expect(performed()).toEqual(["in"]);
    expect(denials()).toHaveLength(2);
    await expectReplays(summary);
  });

  test("C9 a one-use lease is used once, also by calls that run together", async () => {
    const file = await lab.blueprint({
      leases: { require: ["fs"], grant: ["capability://fs/workspace/**?action=read&uses=1"] },
      turns: turns(read("one", "a.txt"), read("two", "b.txt"), read("three", "a.txt")),
    });
    const summary = await lab.run(file);
    expect(performed()).toEqual(["one"]);
    expect(denials()).toEqual(Array(2).fill(expect.stringContaining("`lease-1` has too little: `uses`: 0 left")));
    expect(events()).toEqual(["lease-1 minted", "lease-1 used", "null refused", "null refused"]);
    await expectReplays(summary);
  });

  test("is used under the first lease that covers it and has something left, and gates see which", async () => {
    const looker = await scriptedHook(
      "return allow(JSON.parse(payload).leases.map(({ lease, uses }) => lease + ':' + uses).join());",
      { phases: ["pre-tool"] },
    );
    const file = await lab.blueprint({
      hooks: [looker],
      chain: { "pre-tool": ["scripted"] },
      leases: {
        require: ["fs", "tool"],
        grant: [
          "capability://fs/workspace/b.txt?action=read",
          "capability://fs/workspace/**?action=read&uses=1",
          "capability://fs/workspace/**?action=read,write",
          "capability://tool/file.*",
        ],
      },
      turns: turns(read("one", "a.txt"), read("two", "a.txt"), read("three", "b.txt"), write("four", "out/x")),
    });
    const summary = await lab.run(file);
    expect(performed()).toEqual(["one", "two", "three", "four"]);
    expect(lab.rationales("pre-tool")).toEqual([
      "lease-4:null,lease-2:1",
      "lease-4:null,lease-3:null",
      "lease-4:null,lease-1:null",
      "lease-4:null,lease-3:null",
    ]);
    expect(lab.boundaries("pre-tool").map(({ permission }) => (permission as JsonObject).rule)).toContainEqual(
      expect.stringMatching(/; lease: lease-4, lease-2$/),
    );
    await expectReplays(summary);
  });

  test("never goes beyond the layers: a lease for what they deny changes nothing", async () => {
    await lab.file("secrets/key", "k");
    const file = await lab.blueprint({
      leases: { require: ["fs"], grant: ["capability://fs/workspace/**?action=read,write"] },
      turns: turns(read("one", "secrets/key"), write("two", "a.txt")),
    });
    const summary = await lab.run(file);
    expect(performed()).toEqual([]);
    expect(denials()).toEqual([
      expect.stringContaining("filesystem.deny"),
      expect.stringContaining("filesystem.write"),
    ]);
    await expectReplays(summary);
  });

  test("A12 is needed by what reaches it in another way: a listing, a move, a process", async () => {
    const file = await lab.blueprint({
      leases: { require: ["fs"], grant: ["capability://fs/workspace/app/*?action=read"] },
      turns: turns(
        { id: "list", tool: "file.list", arguments: { path: "app" } },
        { id: "search", tool: "file.search", arguments: { pattern: "a" } },
        { id: "move", tool: "file.move", arguments: { from: "app/a.txt", to: "out/a.txt" } },
        { id: "run", tool: "process.run", arguments: { argv: ["node", "--version"] } },
        read("read", "app/a.txt"),
      ),
    });
    const summary = await lab.run(file);
    expect(performed()).toEqual(["read"]);
    await expectReplays(summary);
  });

  test("is bounded in bytes: arguments before the call, results after it", async () => {
    const file = await lab.blueprint({
      leases: { require: ["fs"], grant: ["capability://fs/workspace/**?action=read,write&bytes=190"] },
      turns: eachInTurn(
        write("big", "out/x", "x".repeat(300)),
        read("one", "a.txt"),
        read("two", "b.txt"),
        read("three", "a.txt"),
      ),
    });
    const summary = await lab.run(file);
    expect(performed()).toEqual(["one", "two"]);
    expect(denials()).toEqual([
      expect.stringContaining("`bytes`: 190 left"),
      expect.stringMatching(/`bytes`: \d+ left/),
    ]);
    const results = lab.boundaries("post-tool").map(({ payload }) => (payload as JsonObject).result);
    expect(results).toMatchObject([{ ok: true }, { ok: false, code: "lease-bytes" }]);
    await expectReplays(summary);
  });

  test("is bounded in the time of one call", async () => {
    const file = await lab.blueprint({
      leases: { require: ["process"], grant: ["capability://process/node/**?timeout=200"] },
      turns: turns({ id: "wait", tool: "process.run", arguments: { argv: ["node", "wait.cjs"] } }),
      execution: { process: { allow: [["node", "wait.cjs"]] } },
    });
    await lab.file("wait.cjs", "setTimeout(() => {}, 60_000);");
    const summary = await lab.run(file);
    const [result] = lab.boundaries("post-tool").map(({ payload }) => (payload as JsonObject).result);
    expect(result).toEqual({ ok: false, code: "timeout", message: "the lease of this call allows it 200 ms" });
    await expectReplays(summary);
  });
});

test("C4 a clock that is set back makes no lease last longer", async () => {
  // The clock of the machine is what the agent writes, so that it moves at a known place.
  const clock = join(lab.workspace, "out/clock");
  const now = () => 1_000_000_000_000 + (existsSync(clock) ? Number(readFileSync(clock, "utf8")) : 0);
  Object.assign(lab, { env: { ...lab.env, now } });
  const file = await lab.blueprint({
    leases: {
      require: ["tool"],
      grant: ["capability://tool/file.read?expires=60000", "capability://tool/file.write"],
    },
    turns: eachInTurn(
      read("before", "a.txt"),
      write("nearly", "out/clock", "59999"),
      read("still", "a.txt"),
      write("over", "out/clock", "60000"),
      read("after", "a.txt"),
      write("back", "out/clock", "-3600000"),
      read("again", "a.txt"),
    ),
  });
  const summary = await lab.run(file);
  expect(performed()).toEqual(["before", "nearly", "still", "over", "back"]);
  expect(denials()).toEqual(Array(2).fill(expect.stringContaining("`lease-1` is expired")));
  expect(events().filter((event) => event === "lease-1 expired")).toHaveLength(1);
  await expectReplays(summary);
});

test("a run that crashed goes on with what is left of its leases", async () => {
  const file = await lab.blueprint({
    leases: { require: ["fs"], grant: ["capability://fs/workspace/**?action=read&uses=2"] },
    turns: eachInTurn(read("one", "a.txt"), read("two", "a.txt"), read("three", "a.txt")),
  });
  const first = await lab.run(file);
  expect(performed()).toEqual(["one", "two"]);
  await lab.crash(first, '"kind":"input.tool"', '"one"');
  lab.entries.length = 0;
  expect(first).toMatchObject({ state: "completed", blocked: 1 });
  const again = await resumeRun({ run: first.run, ...lab.watching }, lab.env);
  expect(again).toMatchObject({ state: "completed", blocked: 1 });
  expect(performed()).toEqual(["one", "two"]);
  expect(denials()).toEqual([expect.stringContaining("`uses`: 0 left")]);
});

test("`blueprint validate` points at what is no capability", async () => {
  const leases = { grant: ["capability://tool/file.read", "capability://tool/file.read?usess=3"] };
  const file = await lab.blueprint({ turns: turns(), leases });
  const { code, stdout } = await lab.finished("blueprint", ["validate", file]);
  expect(code).toBe(2);
  expect(stdout).toMatch(/:\d+:\d+ spec\.leases\.grant\[1\]: .*there is no constraint `usess`/);
});

test("what is no capability is said before the run begins", async () => {
  const file = await lab.blueprint({
    leases: { grant: ["capability://fs/workspace/**?action=read&uses=none"] },
    turns: turns(),
  });
  await expect(lab.run(file)).rejects.toMatchObject({
    code: "bad-capability",
    exit: 2,
    message: expect.stringContaining("blueprint lab@1.0.0: leases.grant[0]"),
  });
  expect(await readdir(join(lab.env.stateDir, "runs")).catch(() => [])).toEqual([]);
});

const AUTHORITY = { tools: [], files: [{ name: "out", path: "out", actions: ["read", "write"] }] };

test("C3 a lease that is revoked while the gates are at work on a call does not let it through any more", async () => {
  await lab.file("out/.keep", "");
  // Says that it is at work, and goes on when the test says so.
  const hook = await scriptedHook(
    `const out = files.openRoot("out");
     files.write(out, "begun", new Uint8Array([1]));
     for (let i = 0; i < 5000; i++) { try { files.stat(out, "go"); return allow("went on"); } catch { host.sleep(5); } }
     return block("nobody came");`,
    {
      phases: ["pre-tool"],
      authority: AUTHORITY,
      limits: { deadlineMs: 30_000, hostcallMs: 30_000, hostcalls: 10_000 },
    },
  );
  const file = await lab.blueprint({
    hooks: [hook],
    grants: { scripted: AUTHORITY },
    chain: { "pre-tool": ["scripted"] },
    leases: { require: ["fs"], grant: ["capability://fs/workspace/**?action=read"] },
    turns: turns(read("one", "a.txt")),
  });
  const running = lab.run(file);
  await until("the gate is at work", () => existsSync(join(lab.workspace, "out/begun")));
  const [run = ""] = await runsOf(lab);
  const request = { run, lease: "lease-1", reason: "stop" };
  expect(await revokeLease(request, lab.env)).toMatchObject({ done: true });
  await lab.file("out/go", "");
  const summary = await running;
  expect(summary).toMatchObject({ state: "completed", blocked: 1 });
  expect(lab.rationales("pre-tool")).toEqual(["went on"]);
  expect(denials()).toEqual([expect.stringContaining("`lease-1` is revoked")]);
  expect(performed()).toEqual([]);
  await expectReplays(summary);
});
