import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listRuns } from "../../src/runtime.ts";
import { Lab, scriptedHook } from "../support/lab.ts";
import { runs } from "../support/property.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

interface Row {
  readonly run: string;
  readonly state: string;
}

async function list(...args: readonly string[]): Promise<readonly Row[]> {
  const { code, stdout } = await lab.finished("pinion", ["run", "list", "--json", ...args]);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Row[];
}

test("runs are listed by state and by agent, the newest last", async () => {
  const done = await lab.run(await lab.blueprint({ turns: [{ text: "done" }] }));
  const failed = await lab.run(await lab.blueprint({ turns: [{ text: "done" }], limits: { tokens: 1 } }));
  const veto = await scriptedHook('return block("not today");', { name: "veto", phases: ["state-transition"] });
  const pending = await lab.run(
    await lab.blueprint({ hooks: [veto], chain: { "state-transition": ["veto"] }, turns: [{ text: "done" }] }),
  );
  const all = await list();
  expect(all.map(({ run }) => run)).toEqual([done.run, failed.run, pending.run].sort());
  const byRun = Object.fromEntries(all.map((row) => [row.run, row.state]));
  expect(byRun).toEqual({ [done.run]: "completed", [failed.run]: "failed", [pending.run]: "pending" });
  expect(await list("--state", "failed")).toMatchObject([{ run: failed.run }]);
  expect(await list("--state", "failed", "--state", "completed")).toHaveLength(2);
  expect(await list("--agent", "lab")).toHaveLength(3);
  expect(await list("--agent", "lab@1.0.0")).toHaveLength(3);
  expect(await list("--agent", "la")).toEqual([]);
});

test("a folder that has no journal yet, and one of another boot's process, are not taken for running", async () => {
  const { run } = await lab.run(await lab.blueprint({ turns: [{ text: "done" }] }));
  const folder = join(lab.env.stateDir, "runs", run);
  const text = await readFile(join(folder, "journal.jsonl"), "utf8");
  await writeFile(join(folder, "journal.jsonl"), text.split("\n").slice(0, 6).join("\n"));
  // A process of this number may well live now: it is not the one that made the claim.
  const claim = `writer-00000000-0000-4000-8000-000000000000-1-${process.pid}-1`;
  await writeFile(join(folder, claim), "");
  await mkdir(join(lab.env.stateDir, "runs/20200101-000000-00000000"));
  expect(await list()).toMatchObject([
    { run: "20200101-000000-00000000", state: "interrupted", process: null, agent: "" },
    { run, state: "interrupted", process: null },
  ]);
});

test("N1 a thousand runs are listed by both ends of their journals", async () => {
  const { run } = await lab.run(await lab.blueprint({ turns: [{ text: "done" }] }));
  const folder = join(lab.env.stateDir, "runs");
  const count = runs(100, 1000);
  for (let i = 0; i < count; i++) {
    await cp(join(folder, run), join(folder, `20300101-000000-${String(i).padStart(8, "0")}`), { recursive: true });
  }
  const rows = await listRuns(lab.env, { states: ["completed"] });
  expect(rows).toHaveLength(count + 1);
  expect(new Set(rows.map(({ steps, agent }) => `${steps} ${agent}`))).toEqual(new Set(["1 lab@1.0.0"]));
});
