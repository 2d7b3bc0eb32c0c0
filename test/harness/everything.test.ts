import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyRecordings } from "../../harness/index.ts";
import { type RunSummary, recordRun } from "../../src/runtime.ts";
import { Everything } from "../support/everything.ts";
import { Lab } from "../support/lab.ts";

let lab: Lab;
let all: Everything;
let done: RunSummary;
beforeAll(async () => {
  lab = await Lab.open();
  all = await Everything.prepare(lab);
  done = await all.toItsEnd(await all.start());
  expect(done).toMatchObject({ state: "completed", result: expect.stringContaining("[secret in-file]") });
});
afterAll(() => lab.close());

const recording = (): string => join(lab.root, "out.jsonl");

test("a run that was taken up again names the child that it had before, and its recording stands beside", async () => {
  const [child = ""] = (await readdir(join(lab.env.stateDir, "runs"))).filter((run) => run !== done.run);
  expect(done.children).toEqual([child]);
  await recordRun(done, recording(), all.env);
  const { recordings, exit } = await verifyRecordings([recording()], {}, lab.env);
  expect(exit).toBe(0);
  expect(recordings.map(({ run }) => run)).toEqual([done.run, child]);
  for (const { checks } of recordings) expect(checks.map(({ result }) => result)).toEqual(checks.map(() => "ok"));
});

test("with nothing left of what it worked with, elsewhere, with its key and without, it replays and verifies", async () => {
  await recordRun(done, recording(), all.env);
  for (const gone of [
    "workspace",
    "config",
    "etc",
    "blueprint",
    "stricter",
    "for-this-run.yaml",
    "data/pinion/proposals",
  ])
    await rm(join(lab.root, gone), { recursive: true });
  const elsewhere = { TZ: "Asia/Kathmandu", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" };
  for (const answer of ["identical", "identical-except-sealed"]) {
    for (const file of [recording(), join(lab.root, "out.child-1.jsonl")]) {
      const { stdout } = await lab.finished("harness", ["replay", file, "--json"], elsewhere);
      expect(JSON.parse(stdout)).toMatchObject({ answer, exit: 0 });
      expect(await lab.finished("harness", ["verify", file], elsewhere)).toMatchObject({ code: 0 });
    }
    await rm(join(lab.env.stateDir, "keys"), { recursive: true, force: true });
  }
});
