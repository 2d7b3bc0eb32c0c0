import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runJson, runsOf } from "../support/held.ts";
import { Lab, scriptedHook } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

const runsFolder = (): string => join(lab.env.stateDir, "runs");
const keys = async (): Promise<readonly string[]> => readdir(join(lab.env.stateDir, "keys"));
const SPAWN = {
  text: "I ask",
  calls: [{ id: "ask", tool: "agent.spawn", arguments: { agent: "helper", goal: "help" } }],
};

test("a run goes with its children and all keys, artifacts stay, and other runs are not touched", async () => {
  const file = await lab.blueprint({ turns: [SPAWN, { text: "done" }], child: [{ text: "helped" }] });
  const first = await lab.run(file);
  const second = await lab.run(file);
  const artifacts = await readdir(join(lab.env.dataDir, "store"), { recursive: true });
  expect(await runJson(lab, "rm", first.run)).toMatchObject({
    code: 0,
    said: { removed: expect.arrayContaining([first.run, ...first.children]) },
  });
  expect(await runsOf(lab)).toEqual([second.run, ...second.children].sort());
  expect((await keys()).toSorted()).toEqual([second.run, ...second.children].map((run) => `${run}.key`).sort());
  expect(await readdir(join(lab.env.dataDir, "store"), { recursive: true })).toEqual(artifacts);
  // A child by its own name leaves its parent.
  const [child = ""] = second.children;
  expect(await runJson(lab, "rm", child)).toMatchObject({ code: 0, said: { removed: [child] } });
  expect(await runsOf(lab)).toEqual([second.run]);
});

test("what has not ended goes only with --force, and of several runs all or none", async () => {
  const gate = await scriptedHook('return block("wait");', { name: "gate", phases: ["pre-plan"] });
  const done = await lab.run(await lab.blueprint({ turns: [{ text: "done" }] }));
  const paused = await lab.run(
    await lab.blueprint({ hooks: [gate], chain: { "pre-plan": ["gate"] }, turns: [{ text: "done" }] }),
  );
  expect(paused.state).toBe("paused");
  expect(await runJson(lab, "rm", done.run, paused.run)).toMatchObject({
    code: 2,
    said: {
      error: {
        code: "not-ended",
        message: expect.stringContaining(paused.run),
        hint: expect.stringContaining("--force"),
      },
    },
  });
  expect(await runsOf(lab)).toEqual([done.run, paused.run].sort());
  expect(await runJson(lab, "rm", done.run, paused.run, "--force")).toMatchObject({ code: 0 });
  expect(await runsOf(lab)).toEqual([]);
  expect(await keys()).toEqual([]);
});

test("L1 what a crash in the middle of a removal left is no run, and goes with the next look", async () => {
  const file = await lab.blueprint({ turns: [{ text: "done" }] });
  const half = await lab.run(file);
  const kept = await lab.run(file);
  // Right behind the rename, and in the middle of the deletion of another one, whose key was gone already.
  await rename(join(runsFolder(), half.run), join(runsFolder(), `.removed-${half.run}`));
  await mkdir(join(runsFolder(), ".removed-20200101-000000-00000000/blobs"), { recursive: true });
  await writeFile(join(runsFolder(), ".removed-20200101-000000-00000000/blobs/x"), "x");
  const { stdout } = await lab.finished("pinion", ["run", "list", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject([{ run: kept.run }]);
  expect(await readdir(runsFolder())).toEqual([kept.run]);
  expect(await keys()).toEqual([`${kept.run}.key`]);
  expect(existsSync(join(runsFolder(), kept.run, "journal.jsonl"))).toBe(true);
});

test.each([
  ["nothing", undefined],
  ["half of the first line", 0],
  ["only the first line", 1],
])("L1 a run that left %s behind when it was killed never started, and goes without --force", async (_, lines) => {
  const { run, journal } = await lab.run(await lab.blueprint({ turns: [{ text: "done" }] }));
  const [header = ""] = (await readFile(journal, "utf8")).split("\n");
  const temporary = join(lab.env.stateDir, "tmp", run);
  await mkdir(temporary, { recursive: true });
  if (lines === undefined) await rm(journal);
  else await writeFile(journal, lines === 0 ? header.slice(0, 20) : `${header}\n`);
  // A checkpoint says that there was more.
  expect(await runJson(lab, "rm", run)).toMatchObject({ code: 2, said: { error: { code: "not-ended" } } });
  await rm(join(runsFolder(), run, "checkpoints.jsonl"));
  expect(await runJson(lab, "resume", run)).toMatchObject({ code: 2, said: { error: { code: "not-started" } } });
  expect(await runJson(lab, "rm", run)).toMatchObject({ code: 0, said: { removed: [run] } });
  expect(await runsOf(lab)).toEqual([]);
  expect(existsSync(temporary)).toBe(false);
});
