import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { appendFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import { go, holding, prepareHolds, runJson, startHeld, until } from "../support/held.ts";
import { Lab, scriptedHook } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await prepareHolds(lab);
});
afterEach(() => lab.close());

const folderOf = (run: string): string => join(lab.env.stateDir, "runs", run);
const ENDS = { text: 'it ended: ${results.a.stdout | default "unknown"}' };

/** Entries of a run's journal, as they stand in the file. */
async function entriesOf(
  run: string,
): Promise<readonly (JsonObject & { readonly kind: string; readonly body: JsonObject })[]> {
  const lines = (await readFile(join(folderOf(run), "journal.jsonl"), "utf8")).trimEnd().split("\n").slice(1);
  return lines.map((line) => JSON.parse(line));
}

test("a run of another terminal is paused behind its tool call, goes on there, and has lost nothing", async () => {
  const file = await lab.blueprint({ turns: [holding("a"), ENDS] });
  const { run, command } = await startHeld(lab, file, "a");
  expect(await runJson(lab, "status", run)).toMatchObject({
    code: 0,
    said: { state: "running", process: command.pid, waiting: { kind: "input.tool", about: { tool: "process.run" } } },
  });
  const pausing = runJson(lab, "pause", run);
  await until("the run's own terminal says who asks", () => command.stderr.includes(`asks run ${run} to pause`));
  await go(lab, "a");
  expect(await pausing).toMatchObject({ code: 0, said: { run, state: "paused", done: true, process: command.pid } });
  const first = await command.done;
  expect(first).toMatchObject({ code: 4, stdout: expect.stringMatching(/^paused: paused by /) });
  expect(existsSync(join(folderOf(run), "control.sock"))).toBe(false);
  expect(await runJson(lab, "pause", run)).toMatchObject({ code: 0, said: { state: "paused", process: null } });

  const resumed = await runJson(lab, "resume", run);
  expect(resumed).toMatchObject({ code: 0, said: { state: "completed", steps: 2, result: "it ended: went a\n" } });
  expect(await readFile(join(lab.workspace, "out/begun-a"), "utf8")).toBe("x");
  expect(await lab.replay(folderOf(run), { key: keyOf(run) })).toMatchObject({ answer: "identical" });
  await rm(keyOf(run));
  expect(await lab.replay(folderOf(run))).toMatchObject({ answer: "identical-except-sealed" });
});

const keyOf = (run: string): string => join(lab.env.stateDir, "keys", `${run}.key`);

test("terminating a run of another terminal aborts its tool call, and its journal is whole", async () => {
  const file = await lab.blueprint({ turns: [holding("a"), ENDS] });
  const { run, command } = await startHeld(lab, file, "a");
  expect(await runJson(lab, "terminate", run)).toMatchObject({ code: 0, said: { state: "terminated", done: true } });
  expect(await command.done).toMatchObject({ code: 130, stdout: expect.stringMatching(/^terminated: cancelled by /) });
  expect(await runJson(lab, "terminate", run)).toMatchObject({ code: 0, said: { state: "terminated", process: null } });
  expect(await runJson(lab, "pause", run)).toMatchObject({ code: 2, said: { error: { code: "run-ended" } } });
  expect(await runJson(lab, "resume", run)).toMatchObject({ code: 2, said: { error: { code: "run-ended" } } });
  expect(await lab.replay(folderOf(run), { key: keyOf(run) })).toMatchObject({ answer: "identical" });
});

test("a paused run is terminated through its phase, and nothing of it is done", async () => {
  const file = await lab.blueprint({ turns: [holding("a"), ENDS] });
  const { run, command } = await startHeld(lab, file, "a");
  expect(await runJson(lab, "pause", run, "--no-wait")).toMatchObject({ code: 0, said: { done: false } });
  await go(lab, "a");
  await command.done;
  expect(await runJson(lab, "terminate", run)).toMatchObject({ code: 0, said: { state: "terminated", process: null } });
  const entries = await entriesOf(run);
  expect(entries.slice(-3).map(({ kind, body }) => [kind, body.phase ?? body.to ?? body.state])).toEqual([
    ["check.boundary", "state-transition"],
    ["check.state", "terminated"],
    ["check.end", "terminated"],
  ]);
  expect(entries.filter(({ kind }) => kind === "input.tool")).toHaveLength(1);
});

test("a run whose process was killed is interrupted: it is resumed or terminated, and cannot be paused", async () => {
  const file = await lab.blueprint({ turns: [holding("a"), ENDS] });
  const { run, command } = await startHeld(lab, file, "a");
  command.process.kill("SIGKILL");
  await command.done;
  expect(await readdir(join(lab.env.stateDir, "tmp"))).not.toEqual([]);
  const { stdout } = await lab.finished("pinion", ["run", "list", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject([
    { run, state: "interrupted", process: null, agent: "lab@1.0.0", steps: 1 },
  ]);
  expect(await runJson(lab, "pause", run)).toMatchObject({ code: 2, said: { error: { code: "not-live" } } });
  expect(await runJson(lab, "terminate", run)).toMatchObject({ code: 0, said: { state: "terminated" } });
  // The call that nobody knows the outcome of was not made again.
  expect(await readFile(join(lab.workspace, "out/begun-a"), "utf8")).toBe("x");
  expect(await readdir(join(lab.env.stateDir, "tmp"))).toEqual([]);
  expect(await lab.replay(folderOf(run), { key: keyOf(run) })).toMatchObject({ answer: "identical" });
});

test("terminating an interrupted run does not do its idempotent call again", async () => {
  await lab.file("a.txt", "content");
  const write = { id: "w", tool: "file.write", arguments: { path: "out/w.txt", content: "w" } };
  const file = await lab.blueprint({ turns: [{ text: "I write", calls: [write] }, { text: "done" }] });
  const summary = await lab.run(file);
  await lab.crash(summary, '"check.intent"', '"input.tool"');
  await rm(join(lab.workspace, "out/w.txt"));
  expect(await runJson(lab, "terminate", summary.run)).toMatchObject({ code: 0, said: { state: "terminated" } });
  expect(existsSync(join(lab.workspace, "out/w.txt"))).toBe(false);
  expect(await lab.replay(folderOf(summary.run), { key: keyOf(summary.run) })).toMatchObject({ answer: "identical" });
});

test("--force kills the process of a run and all that it started, and the run can go on", async () => {
  const file = await lab.blueprint({ turns: [holding("a"), ENDS] });
  const { run, command } = await startHeld(lab, file, "a");
  const below = descendantsOf(command.pid);
  expect(below.length).toBeGreaterThan(0);
  expect(await runJson(lab, "terminate", run, "--force")).toMatchObject({
    code: 0,
    said: { run, killed: command.pid },
  });
  expect(await command.done).toMatchObject({ code: null, signal: "SIGKILL" });
  await until("nobody of them is left", () => below.every((pid) => !isAlive(pid)));
  expect(await runJson(lab, "status", run)).toMatchObject({ said: { state: "interrupted", process: null } });
  expect(await runJson(lab, "terminate", run, "--force")).toMatchObject({
    code: 2,
    said: { error: { code: "not-live" } },
  });
  expect(await runJson(lab, "resume", run)).toMatchObject({
    code: 4,
    said: { state: "paused", reason: expect.stringContaining("outcome unknown") },
  });
});

test("resuming a run that is at work names its process; of two that resume at once one does", async () => {
  const file = await lab.blueprint({ turns: [holding("a"), holding("b"), ENDS] });
  const { run, command } = await startHeld(lab, file, "a");
  expect(await runJson(lab, "resume", run)).toMatchObject({
    code: 2,
    said: { error: { code: "run-live", message: expect.stringContaining(`process ${command.pid}`) } },
  });
  expect(await runJson(lab, "rm", run, "--force")).toMatchObject({ code: 2, said: { error: { code: "run-live" } } });
  await runJson(lab, "pause", run, "--no-wait");
  await go(lab, "a");
  await command.done;
  await go(lab, "b");
  const both = await Promise.all([runJson(lab, "resume", run), runJson(lab, "resume", run)]);
  expect(both.map(({ code }) => code).sort()).toEqual([0, 2]);
  expect(await readFile(join(lab.workspace, "out/begun-b"), "utf8")).toBe("x");
});

test("a pause that comes when the run ends says that it has ended", async () => {
  const file = await lab.blueprint({ turns: [{ text: "done" }] });
  const { run } = await lab.run(file);
  const { code, stderr } = await lab.finished("pinion", ["run", "pause", run]);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringMatching(/^error: .* has ended already: it is `completed`/),
  });
});

test("waiting has an end, and the request stays", async () => {
  const file = await lab.blueprint({ turns: [holding("a"), ENDS] });
  const { run, command } = await startHeld(lab, file, "a");
  expect(await runJson(lab, "pause", run, "--timeout", "0.2")).toMatchObject({
    code: 1,
    said: { error: { code: "no-answer", message: expect.stringContaining(`process ${command.pid}`) } },
  });
  await go(lab, "a");
  expect(await command.done).toMatchObject({ code: 4 });
});

test("what is no run, no hook, no state is said with what to do next", async () => {
  const { run } = await lab.run(await lab.blueprint({ turns: [{ text: "done" }] }));
  for (const command of ["pause", "terminate", "status", "logs", "resume", "rm"]) {
    for (const name of ["20200101-000000-00000000", "../../etc", "a/b"]) {
      const { code, stdout, stderr } = await lab.finished("pinion", ["run", command, name]);
      expect({ command, name, code, stdout }).toEqual({ command, name, code: 2, stdout: "" });
      expect(stderr).toMatch(/^error: [\s\S]*\n {2}.*pinion run list/);
    }
  }
  expect(await runJson(lab, "list", "--state", "sleeping")).toMatchObject({
    code: 2,
    said: { error: { code: "usage" } },
  });
  expect(await runJson(lab, "revoke", run, "nobody", "--reason", "r")).toMatchObject({ code: 2 });
});

test("the socket is for its owner alone, whatever the umask, also below a path that no socket's address holds", async () => {
  const deep = join(lab.root, "d".repeat(100), "e".repeat(100));
  const variables = { XDG_STATE_HOME: deep };
  const file = await lab.blueprint({ turns: [holding("a"), ENDS] });
  const args = ["run", file, "--goal", "wait", "--workspace", lab.workspace];
  const umask = process.umask(0o000);
  const child = lab.command("blueprint", args, variables);
  process.umask(umask);
  await until("it waits", () => existsSync(join(lab.workspace, "out/begun-a")));
  const { stdout } = await lab.finished("pinion", ["run", "list", "--json"], variables);
  const [{ run }] = JSON.parse(stdout) as [{ run: string }];
  const socket = join(deep, "pinion/runs", run, "control.sock");
  expect(statSync(socket).mode.toString(8)).toBe("140600");
  expect(statSync(join(socket, "..")).mode.toString(8)).toBe("40700");
  expect(await lab.finished("pinion", ["run", "terminate", run], variables)).toMatchObject({ code: 0 });
  expect(child.exitCode ?? 130).toBe(130);
});

test("a resumed run says which of the files that it was started from have changed, and uses none of them", async () => {
  const gate = await scriptedHook('return JSON.parse(payload).step === 1 ? block("wait") : allow("go");', {
    name: "gate",
    phases: ["pre-plan"],
  });
  const parts = { hooks: [gate], chain: { "pre-plan": ["gate"] } };
  const file = await lab.blueprint({ ...parts, turns: [{ text: "not said" }, { text: "as it was" }] });
  const { run } = await lab.run(file);
  expect(await runJson(lab, "status", run)).toMatchObject({ said: { source: { file, is: "same" } } });
  await lab.blueprint({ ...parts, turns: [{ text: "not said" }, { text: "something else" }] });
  await appendFile(file, "# changed\n");
  expect(await runJson(lab, "status", run)).toMatchObject({ said: { source: { file, is: "changed" } } });
  const resumed = await runJson(lab, "resume", run);
  expect(resumed).toMatchObject({ code: 0, said: { state: "completed", result: "as it was" } });
  expect(resumed.stderr).toMatch(
    /`.*blueprint\.yaml` has changed since the run started; the run goes on with .*sha256:/,
  );
  expect(resumed.stderr).toMatch(/`.*script\.yaml` has changed since the run started/);
  expect(resumed.stderr).not.toContain("policy.yaml");
  await rm(file);
  expect(await runJson(lab, "status", run)).toMatchObject({ said: { source: { file, is: "gone" } } });
  await rm(keyOf(run));
  expect(await runJson(lab, "status", run)).toMatchObject({ code: 0, said: { source: "sealed", workspace: null } });
});

test("a damaged run is listed with where it is damaged, and nothing but its removal is done with it", async () => {
  const { run, journal } = await lab.run(await lab.blueprint({ turns: [{ text: "done" }] }));
  const text = await readFile(journal, "utf8");
  await writeFile(journal, text.replace('"kind":"check.end"', '"kind":"check.eNd"'));
  const { stdout } = await lab.finished("pinion", ["run", "list", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject([
    { run, state: "damaged", reason: expect.stringMatching(/damaged at line \d+, byte \d+/) },
  ]);
  expect(await runJson(lab, "status", run)).toMatchObject({ code: 5, said: { error: { code: "damaged" } } });
  expect(await runJson(lab, "resume", run)).toMatchObject({ code: 5, said: { error: { code: "damaged" } } });
  expect(await runJson(lab, "rm", run)).toMatchObject({ code: 2, said: { error: { code: "not-ended" } } });
  expect(await runJson(lab, "rm", run, "--force")).toMatchObject({ code: 0, said: { removed: [run] } });
});

function descendantsOf(pid: number): readonly number[] {
  const rows = execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((row) => row.trim().split(/\s+/).map(Number));
  const found = new Set([pid]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const [child = 0, parent = 0] of rows) if (found.has(parent)) found.add(child);
  }
  found.delete(pid);
  return [...found];
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(execFileSync("cat", [`/proc/${pid}/status`], { encoding: "utf8", stdio: "pipe" }));
  } catch {
    return false;
  }
}
