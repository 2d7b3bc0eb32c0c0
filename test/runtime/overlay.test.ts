import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import { resumeRun } from "../../src/runtime.ts";
import { Lab, scriptedHook } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

const OVERLAY: JsonObject = {
  filesystem: { mode: "overlay", read: ["**"], write: ["**"], deny: ["secrets/**"] },
  process: { allow: [["sh", "-c", "*"]] },
};
const WORK = { files: [{ name: "work", path: ".", actions: ["read", "write"] }] };
const sh = (id: string, script: string) => ({
  id,
  tool: "process.run",
  arguments: { argv: ["sh", "-c", script] },
});
const write = (id: string, path: string, content: string) => ({
  id,
  tool: "file.write",
  arguments: { path, content, createDirectories: true },
});

test("what an agent, its processes, its hooks and its children do to files stays in the run's layer, and each sees the others' work", async () => {
  await lab.file("notes.txt", "as it was\n");
  await lab.file("old.txt", "to be removed\n");
  const hook = await scriptedHook(
    `if (JSON.parse(payload).call.id === "new") {
       const work = files.openRoot("work");
       const text = String.fromCharCode(...files.read(work, "notes.txt", 0, 100));
       files.write(work, "from-hook.txt", new Uint8Array([...text].map((letter) => letter.charCodeAt(0))));
     }
     return allow("seen");`,
    {
      phases: ["post-tool"],
      authority: WORK,
    },
  );
  const file = await lab.blueprint({
    hooks: [hook],
    chain: { "post-tool": ["scripted"] },
    grants: { scripted: WORK },
    execution: OVERLAY,
    tools: ["file.list", "file.read", "file.write", "process.run", "agent.spawn"],
    turns: [
      {
        text: "I write",
        calls: [write("write", "notes.txt", "changed by the agent\n"), write("new", "deep/er/new.txt", "n\n")],
      },
      {
        text: "a process",
        calls: [sh("process", "cat notes.txt; rm old.txt; echo p > by-process.txt; mv deep deeper; ls")],
      },
      { text: "I look", calls: [{ id: "look", tool: "file.read", arguments: { path: "deeper/er/new.txt" } }] },
      { text: "a child", calls: [{ id: "child", tool: "agent.spawn", arguments: { agent: "helper", goal: "look" } }] },
      { text: "${results.process.stdout}|${results.look.content}|${results.child.answer}" },
    ],
    child: [
      { text: "reads", calls: [{ id: "r", tool: "file.read", arguments: { path: "by-process.txt" } }] },
      { text: "child saw ${results.r.content}" },
    ],
  });
  const summary = await lab.run(file);
  expect(summary).toMatchObject({ state: "completed", changes: 7 });
  expect(summary.result).toContain("changed by the agent");
  expect(summary.result).toContain("child saw p");
  expect(await readFile(join(lab.workspace, "notes.txt"), "utf8")).toBe("as it was\n");
  expect(existsSync(join(lab.workspace, "old.txt"))).toBe(true);
  expect(existsSync(join(lab.workspace, "by-process.txt"))).toBe(false);
  expect(existsSync(join(lab.workspace, "deep"))).toBe(false);

  await rm(lab.workspace, { recursive: true });
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});

test("a child that is to work in a layer leaves the workspace alone, also under a parent that works on it directly", async () => {
  const file = await lab.blueprint({
    execution: { ...OVERLAY, filesystem: { mode: "direct", read: ["**"], write: ["**"] } },
    tools: ["file.write", "agent.spawn"],
    turns: [
      { text: "a child", calls: [{ id: "child", tool: "agent.spawn", arguments: { agent: "helper", goal: "write" } }] },
      { text: "I write", calls: [write("own", "parent.txt", "p\n")] },
      { text: "done" },
    ],
    childExecution: OVERLAY,
    childTools: ["file.write"],
    child: [{ text: "writes", calls: [write("w", "child.txt", "c\n")] }, { text: "done" }],
  });
  const summary = await lab.run(file);
  expect(summary).toMatchObject({ state: "completed", children: [expect.any(String)] });
  expect(existsSync(join(lab.workspace, "parent.txt"))).toBe(true);
  expect(existsSync(join(lab.workspace, "child.txt"))).toBe(false);
  const { stdout } = await lab.finished("pinion", ["run", "diff", summary.children[0] ?? "", "--stat"]);
  expect(stdout).toContain("child.txt | 1 +");
});

test("a run that is resumed finds its layer as it was, also when the workspace has changed below it", async () => {
  await lab.file("a.txt", "one\n");
  await lab.file("b.txt", "one\n");
  const file = await lab.blueprint({
    execution: OVERLAY,
    tools: ["file.read", "file.write", "process.run"],
    turns: [
      { text: "I write", calls: [write("write", "a.txt", "two\n")] },
      { text: "I look", calls: [sh("look", "cat a.txt b.txt")] },
      { text: "${results.look.stdout}" },
    ],
  });
  const first = await lab.run(file);
  expect(first.state).toBe("completed");
  await lab.crash(first, '"check.boundary"', '"phase":"post-tool"', '"write"');
  await writeFile(join(lab.workspace, "b.txt"), "three\n");
  const resumed = await resumeRun({ run: first.run, ...lab.watching }, lab.env);
  expect(resumed).toMatchObject({ state: "completed", result: "two\nthree\n", changes: 1 });
  expect(await readFile(join(lab.workspace, "a.txt"), "utf8")).toBe("one\n");
});

const SPAWN = {
  text: "a child",
  calls: [{ id: "child", tool: "agent.spawn", arguments: { agent: "helper", goal: "help" } }],
};

test("a child that wants a layer has one of its own when its parent works on the workspace itself", async () => {
  await lab.file("notes.txt", "as it was\n");
  const file = await lab.blueprint({
    tools: ["agent.spawn", "file.write", "process.run"],
    turns: [SPAWN, { text: "${results.child.answer}" }],
    child: [
      { text: "I write", calls: [write("write", "notes.txt", "changed\n"), sh("process", "cat notes.txt > copy.txt")] },
      { text: "wrote ${results.write.path}, ${results.process.files}" },
    ],
    childTools: ["file.write", "process.run"],
    childExecution: OVERLAY,
    execution: { ...OVERLAY, filesystem: { read: ["**"], write: ["**"] } },
  });
  const summary = await lab.run(file);
  expect(summary).toMatchObject({ result: expect.stringMatching(/^wrote notes.txt, overlay-/), changes: null });
  expect(await readFile(join(lab.workspace, "notes.txt"), "utf8")).toBe("as it was\n");
  expect(existsSync(join(lab.workspace, "copy.txt"))).toBe(false);

  const child = String(summary.children[0]);
  const diff = await lab.finished("pinion", ["run", "diff", child, "--json"]);
  const { changes } = JSON.parse(diff.stdout) as { changes: { path: string }[] };
  expect(changes.map(({ path }) => path)).toEqual(["copy.txt", "notes.txt"]);
  expect(await lab.finished("pinion", ["run", "commit", child])).toMatchObject({ code: 0 });
  expect(await readFile(join(lab.workspace, "copy.txt"), "utf8")).toBe("changed\n");
});

test("C1 a child's commands are not confined less than its parent's", async () => {
  const command = { limits: { timeoutMs: 300 } };
  const file = await lab.blueprint({
    tools: ["agent.spawn", "process.run"],
    turns: [SPAWN, { text: "${results.child.answer}" }],
    child: [{ text: "slow", calls: [sh("slow", "sleep 20")] }, { text: "${results.slow.ended}" }],
    childTools: ["process.run"],
    childExecution: OVERLAY,
    execution: { ...OVERLAY, process: { allow: [["sh", "-c", "*"]], ...command } },
  });
  expect(await lab.run(file)).toMatchObject({ result: "timeout" });
});

test("C1 a child that lists no backend that its parent lists is not started", async () => {
  const file = await lab.blueprint({
    tools: ["agent.spawn", "process.run"],
    turns: [SPAWN, { text: "${results.child}" }],
    child: [{ text: "out", calls: [sh("out", "true")] }, { text: "was out" }],
    childTools: ["process.run"],
    childExecution: { ...OVERLAY, backend: ["bwrap"] },
    execution: { ...OVERLAY, backend: ["unconfined"] },
  });
  const summary = await lab.run(file);
  expect(summary).toMatchObject({ result: expect.stringContaining("denied: `helper` confines processes by `bwrap`") });
  expect(summary.children).toEqual([]);
});
