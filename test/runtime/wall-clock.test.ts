import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RunJournal } from "../../src/journal/journal.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { resumeRun } from "../../src/runtime.ts";
import { Lab, scriptedHook } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

const SLEEP = 700;

/** A run whose gate sleeps twice at its first boundary; what stands in the journal of it. */
async function sleeping(
  limits: JsonObject,
): Promise<{ readonly rationale: string; readonly kinds: readonly string[] }> {
  const code = `if (phase !== "pre-plan") return allow(""); host.sleep(${SLEEP}); host.sleep(${SLEEP}); return allow("slept");`;
  const sleeper = await scriptedHook(code, { name: "sleeper", phases: ["pre-plan"], limits });
  const file = await lab.blueprint({
    turns: [{ text: "done" }],
    hooks: [sleeper],
    chain: { "pre-plan": ["sleeper"] },
  });
  const summary = await lab.run(file);
  expect(summary).toMatchObject({ state: "paused", exit: 4 });
  expect(lab.entries.some((entry) => entry.kind === "input.model")).toBe(false);
  const began = performance.now();
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
  expect(performance.now() - began).toBeLessThan(2 * SLEEP);
  return { rationale: lab.rationales("pre-plan").join(), kinds: lab.entries.map((entry) => entry.kind) };
}

test("waiting in hostcalls for longer than allowed is a fault that names the limit, and a replay does not wait", async () => {
  const { rationale, kinds } = await sleeping({ deadlineMs: 5000, hostcallMs: 1000 });
  const used = /failed \(deadline\): `hostcallMs`: allowed 1000 ms, used (\d+) ms/.exec(rationale)?.[1];
  expect(Number(used)).toBeGreaterThan(1000);
  expect(kinds).toEqual(expect.arrayContaining(["input.fault"]));
  // The second sleep ended, too: its outcome is in the journal, before the fault.
  expect(kinds.filter((kind) => kind === "input.sleep")).toHaveLength(2);
  expect(kinds.lastIndexOf("input.sleep")).toBeLessThan(kinds.indexOf("input.fault"));
});

test("D7 the deadline goes on while a hostcall is served, and a replay does not wait", async () => {
  const { rationale, kinds } = await sleeping({ deadlineMs: 1000, hostcallMs: 1000 });
  // Both limits are over at about the same time: the deadline began first.
  expect(rationale).toMatch(/failed \(deadline\): `deadlineMs`: allowed 1000 ms, used \d+ ms/);
  expect(kinds.lastIndexOf("input.sleep")).toBeLessThan(kinds.indexOf("input.fault"));
});

test("time in hostcalls is counted for each call by itself", async () => {
  const code = `if (phase !== "pre-plan") return allow(""); host.sleep(300); return allow("slept");`;
  const limits = { deadlineMs: 5000, hostcallMs: 500 };
  const sleeper = await scriptedHook(code, { name: "sleeper", phases: ["pre-plan"], limits });
  const file = await lab.blueprint({
    turns: [{ text: "one", calls: [{ id: "l", tool: "file.list", arguments: {} }] }, { text: "done" }],
    hooks: [sleeper],
    chain: { "pre-plan": ["sleeper"] },
  });
  expect(await lab.run(file)).toMatchObject({ state: "completed" });
  expect(lab.rationales("pre-plan")).toEqual(["slept", "slept"]);
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});

test("D7 what a fast machine answered in time does not pass its deadline when a slow one resumes the run", async () => {
  const code = `for (let i = 0; i < 3e6; i++) globalThis.x = i; return allow("has worked");`;
  const worker = await scriptedHook(code, {
    name: "worker",
    phases: ["pre-plan"],
    limits: { deadlineMs: 50, hostcallMs: 50, fuel: 10_000_000_000 },
  });
  const file = await lab.blueprint({
    turns: [{ text: "one", calls: [{ id: "l", tool: "file.list", arguments: {} }] }, { text: "done" }],
    hooks: [worker],
    chain: { "pre-plan": ["worker"] },
  });
  // A machine on which no deadline passes: its journal is never at its live end.
  const fast = vi.spyOn(RunJournal.prototype, "live", "get").mockReturnValue(false);
  const summary = await lab.run(file);
  fast.mockRestore();
  expect(summary).toMatchObject({ state: "completed" });
  await lab.crash(summary, '"kind":"input.model"');

  lab.entries.length = 0;
  const resumed = await resumeRun({ run: summary.run, ...lab.watching }, lab.env);
  // The first step is as it was; in the second, which is new, the deadline counts.
  expect(resumed).toMatchObject({ state: "paused", steps: 2 });
  expect(lab.rationales("pre-plan")).toEqual([expect.stringContaining("`deadlineMs`: allowed 50 ms")]);
});
