import { appendFileSync, cpSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { lock } from "../../../src/journal/lock.ts";
import { History } from "../../../src/runtime/changes/history.ts";
import { type Done, Shell } from "../../support/cli.ts";
import { LayeredRun } from "../../support/layered.ts";

const shell = new Shell();
const pinion = (...args: readonly string[]): Done => shell.run("pinion", "run", ...args);

const BASE = { "src/a.txt": "1\n2\n3\n", "src/b.txt": "b\n", "old.txt": "gone\n", "logo.bin": new Uint8Array([0, 1]) };
const CHANGES = {
  "src/a.txt": "1\ntwo\n3\n",
  "src/new/deep.txt": "deep\n",
  "old.txt": null,
  "logo.bin": new Uint8Array([0, 1, 2, 3]),
};
let one: LayeredRun;

beforeAll(async () => {
  one = await LayeredRun.of(shell, BASE);
  await one.change(CHANGES);
});

describe("pinion run diff", () => {
  test("shows what a run changed", () => {
    const { exit, stdout, stderr } = pinion("diff", one.run);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    const headers = stdout.split("\n").filter((line) => /^diff --git|^new directory/.test(line));
    expect(headers).toEqual([
      "diff --git a/logo.bin b/logo.bin",
      "diff --git a/old.txt b/old.txt",
      "diff --git a/src/a.txt b/src/a.txt",
      "new directory src/new/",
      "diff --git a/src/new/deep.txt b/src/new/deep.txt",
    ]);
    expect(stdout).toContain("\nbinary, 2 B → 4 B\n");
    expect(stdout).toContain("\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n");
    expect(stdout).not.toContain("\u001b");
  });

  test("keeps to the paths that were asked for, also when something else wears their name before a slash", async () => {
    const run = await LayeredRun.of(shell, { a: "1\n", "ab/c": "1\n" });
    await run.change({ a: "2\n", "ab/c": "2\n", "ab/d": "new\n" });
    expect(pinion("diff", run.run, "a").stdout.match(/^diff --git .*$/gm)).toEqual(["diff --git a/a b/a"]);
    expect(pinion("diff", run.run, "./ab/", "a").stdout.match(/^diff --git/gm)).toHaveLength(3);
  });

  test("a path that the run has not changed is bad input, with the names that come nearest", () => {
    const { exit, stdout, stderr } = pinion("diff", one.run, "src/a.txd");
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: "" });
    expect(stderr).toMatch(/changed nothing at or below `src\/a\.txd`\n.*comes nearest: `src\/a\.txt`/);
  });

  test("gives statistics and JSON", () => {
    expect(pinion("diff", one.run, "--stat").stdout).toMatch(
      / src\/a\.txt +\| 2 \+-\n[\s\S]*\n 5 paths changed, 2 insertions\(\+\), 2 deletions\(-\)\n$/,
    );
    const { changes, ...rest } = JSON.parse(pinion("diff", one.run, "--json").stdout) as { changes: object[] };
    expect(rest).toEqual({ run: one.run, workspace: one.workspace, history: [] });
    expect(changes).toContainEqual({
      path: "old.txt",
      before: { kind: "file", digest: expect.stringMatching(/^sha256:/), size: 5, executable: false },
      after: { kind: "nothing" },
      added: 0,
      removed: 1,
      binary: false,
    });
  });

  test("H15 marks what the workspace has changed since, and reads a layer that somebody works in", async () => {
    const run = await LayeredRun.of(shell, { a: "1\n" });
    await run.change({ a: "2\n" });
    run.put("a", "33\n");
    const held = lock(run.folder);
    try {
      expect(pinion("diff", run.run).stdout).toMatch(/^conflict: the workspace has changed this file since/m);
      expect(pinion("diff", run.run, "--stat").stdout).toMatch(/ conflict\n.* 1 conflict\n$/);
    } finally {
      held.release();
    }
  });

  test("says that there is nothing, also before anything was ever changed", async () => {
    const run = await LayeredRun.of(shell, {});
    const done = pinion("diff", run.run);
    expect(done).toEqual({ exit: 0, stdout: "", stderr: `run ${run.run} has changed nothing\n` });
    expect(JSON.parse(pinion("diff", run.run, "--json").stdout)).toMatchObject({ changes: [], history: [] });
  });
});

describe("where there is nothing to show", () => {
  test("a run that does not exist, or no run at all, is said", () => {
    expect(pinion("diff", "20990101-000000-00000000")).toMatchObject({
      exit: 2,
      stderr: expect.stringMatching(/^error: there is no run/),
    });
    expect(pinion("diff", "../../etc")).toMatchObject({
      exit: 2,
      stderr: expect.stringMatching(/is not the id of a run/),
    });
    expect(JSON.parse(pinion("diff", "nothing", "--json").stdout)).toMatchObject({ error: { code: "no-such-run" } });
  });

  test("a run that works in the workspace itself has nothing to undo", async () => {
    const run = await LayeredRun.of(shell, {}, { mode: "direct" });
    for (const command of ["diff", "commit"]) {
      const done = pinion(command, run.run);
      expect(done).toMatchObject({ exit: 2, stdout: "" });
      expect(done.stderr).toMatch(/works in the workspace itself.*nothing is kept to undo it/);
    }
  });

  test("a child says whose layer its changes are in", async () => {
    const child = await LayeredRun.of(shell, {}, { parent: one.run });
    expect(pinion("diff", child.run)).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining(`pinion run diff ${one.run}`),
    });
  });

  test("without the run's key the workspace is asked for", async () => {
    const run = await LayeredRun.of(shell, { a: "1\n" });
    await run.change({ a: "2\n" });
    rmSync(run.key);
    expect(pinion("diff", run.run)).toMatchObject({ exit: 2, stderr: expect.stringContaining("`--workspace`") });
    expect(pinion("diff", run.run, "--workspace", run.workspace).stdout).toContain("\n-1\n+2\n");
  });

  test("a workspace that was moved is asked for, and found by its new name", async () => {
    const run = await LayeredRun.of(shell, { a: "1\n" });
    await run.change({ a: "2\n" });
    renameSync(run.workspace, join(shell.cwd, "moved"));
    expect(pinion("diff", run.run)).toMatchObject({ exit: 2, stderr: expect.stringMatching(/is not at .* any more/) });
    expect(pinion("diff", run.run, "--workspace", "moved").stdout).toContain("\n-1\n+2\n");
  });

  test("a damaged layer, history or journal is an error with its place, and nothing is guessed", async () => {
    const run = await LayeredRun.of(shell, { a: "1\n" });
    await run.change({ a: "2\n" });
    cpSync(run.layer, `${run.layer}.kept`, { recursive: true });
    writeFileSync(join(run.layer, "layer.jsonl"), "{}\n");
    expect(pinion("diff", run.run)).toMatchObject({ exit: 5, stderr: expect.stringMatching(/layer\.jsonl.*line 1/) });
    rmSync(run.layer, { recursive: true });
    renameSync(`${run.layer}.kept`, run.layer);
    writeFileSync(join(run.layer, "history.jsonl"), '{"action":"commit"}\n');
    expect(pinion("commit", run.run)).toMatchObject({
      exit: 5,
      stderr: expect.stringMatching(/history\.jsonl.*line 1/),
    });
    appendFileSync(join(run.folder, "journal.jsonl"), "{}\n");
    expect(pinion("diff", run.run)).toMatchObject({ exit: 5, stderr: expect.stringContaining("journal.jsonl") });
  });

  test("L3 a flipped bit anywhere in the history is an error with its place", async () => {
    const run = await LayeredRun.of(shell, { a: "1\n", b: "1\n" });
    await run.change({ a: "2\n", b: "2\n" });
    expect(pinion("commit", run.run, "--only", "a")).toMatchObject({ exit: 0 });
    const file = join(run.layer, "history.jsonl");
    const good = readFileSync(file);
    const history = new History(run.layer);
    expect(history.read()).toHaveLength(1);
    for (const [at, byte] of good.subarray(0, -1).entries()) {
      const bad = Buffer.from(good);
      bad[at] = byte ^ (1 << (at % 8));
      writeFileSync(file, bad);
      expect(() => history.read(), `byte ${at}`).toThrow(/history\.jsonl/);
    }
    // Without its line feed the outcome was being written when the process ended.
    writeFileSync(file, good.subarray(0, -1));
    expect(history.read()).toMatchObject([{ outcome: "interrupted" }]);
  });
});
