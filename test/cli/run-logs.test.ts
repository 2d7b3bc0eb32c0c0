import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Entry } from "../../src/model/entry.ts";
import { go, holding, prepareHolds, runJson, startHeld, Under, until, untilBegun } from "../support/held.ts";
import { Lab } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await prepareHolds(lab);
});
afterEach(() => lab.close());

const ENDS = { text: "all done" };
const journalOf = (run: string): string => join(lab.env.stateDir, "runs", run, "journal.jsonl");
const logs = (...args: readonly string[]): Under => new Under(lab.command("pinion", ["run", "logs", ...args]));

function entriesIn(text: string): readonly Entry[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Entry);
}

test("a run is followed while it works, and the following ends with it; what is told is what stands in the journal", async () => {
  const file = await lab.blueprint({ turns: [holding("a"), ENDS] });
  const { run, command } = await startHeld(lab, file, "a");
  const following = logs(run, "-f", "--json");
  const plain = logs(run, "-f");
  await until("the call was told", () => following.stdout.includes('"kind":"check.intent"'));
  const { stdout: once } = await logs(run, "--json").done;
  expect(entriesIn(once).at(-1)?.kind).toBe("check.intent");
  await go(lab, "a");
  const { code, stdout } = await following.done;
  await command.done;
  const lines = (await readFile(journalOf(run), "utf8")).trimEnd().split("\n").slice(1);
  expect({ code, entries: entriesIn(stdout) }).toEqual({ code: 0, entries: lines.map((line) => JSON.parse(line)) });
  // The same words as in the terminal of the run itself.
  const said = (text: string) => text.split("\n").filter((line) => line !== "" && !line.startsWith("  !"));
  expect(said((await plain.done).stdout)).toEqual(said(command.stderr));
});

test("following ends when the run rests; with --wait it goes on across a pause and a resume to the end", async () => {
  const file = await lab.blueprint({ turns: [holding("a"), holding("b"), ENDS] });
  const { run, command } = await startHeld(lab, file, "a");
  const resting = logs(run, "-f");
  const waiting = logs(run, "-f", "--wait", "--json");
  await runJson(lab, "pause", run, "--no-wait");
  await go(lab, "a");
  await command.done;
  expect(await resting.done).toMatchObject({ code: 0, stderr: expect.stringContaining(`pinion run resume ${run}`) });
  await go(lab, "b");
  expect(await runJson(lab, "resume", run)).toMatchObject({ said: { state: "completed" } });
  const { code, stdout } = await waiting.done;
  const kinds = entriesIn(stdout);
  expect({ code, seqs: kinds.map(({ seq }) => seq), last: kinds.at(-1)?.kind }).toEqual({
    code: 0,
    seqs: [...kinds.keys()],
    last: "check.end",
  });
});

test("N4 following a run whose process is killed ends and says that it rests", async () => {
  const file = await lab.blueprint({ turns: [holding("a"), ENDS] });
  const { run, command } = await startHeld(lab, file, "a");
  const following = logs(run, "-f");
  await until("it is told", () => following.stdout.includes("process.run"));
  command.process.kill("SIGKILL");
  expect(await following.done).toMatchObject({ code: 0, stderr: expect.stringContaining("the run rests") });
});

test("Ctrl-C ends the watching and not the run", async () => {
  const file = await lab.blueprint({ turns: [holding("a"), ENDS] });
  const { run, command } = await startHeld(lab, file, "a");
  const following = logs(run, "-f");
  await until("it is told", () => following.stdout.includes("process.run"));
  following.process.kill("SIGINT");
  expect(await following.done).toMatchObject({ code: 130 });
  await untilBegun(lab, "a");
  await go(lab, "a");
  expect(await command.done).toMatchObject({ code: 0 });
});

test("a run that is removed while somebody follows it is told to the end and then gone", async () => {
  const file = await lab.blueprint({ turns: [holding("a"), ENDS] });
  const { run, command } = await startHeld(lab, file, "a");
  await runJson(lab, "pause", run, "--no-wait");
  await go(lab, "a");
  await command.done;
  const following = logs(run, "-f", "--wait");
  await until("it is told", () => following.stdout.includes("paused by"));
  expect(await runJson(lab, "rm", run, "--force")).toMatchObject({ code: 0 });
  expect(await following.done).toMatchObject({ code: 0, stderr: expect.stringContaining("the run was removed") });
});

test("`--wait` without `-f` is refused, not left out", async () => {
  const summary = await lab.run(await lab.blueprint({ turns: [ENDS] }));
  const { code, stdout, stderr } = await logs(summary.run, "--wait").done;
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/`--wait` .*\n.*`-f`/);
});
