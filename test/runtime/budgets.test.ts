import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { resumeRun } from "../../src/runtime.ts";
import { Lab, scriptedHook } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "content of a");
});
afterEach(() => lab.close());

const READ = { tool: "file.read", arguments: { path: "a.txt" } };
const SPAWN = { tool: "agent.spawn", arguments: { agent: "helper", goal: "help" } };

/** Pauses the run behind each of its first steps: a person must look every time. */
async function watchful(pauses: number) {
  const code = `const { step } = JSON.parse(payload);
    globalThis.last ??= 0;
    if (step <= ${pauses} * 2 && step % 2 === 0 && globalThis.last !== step) { globalThis.last = step; return block("look at step " + step); }
    return allow("go");`;
  return scriptedHook(code, { name: "watchful", phases: ["pre-plan"] });
}

/** Resumes until the run has ended; how often. */
async function toItsEnd(
  run: string,
): Promise<{ readonly resumes: number; readonly state: string; readonly reason: string }> {
  for (let resumes = 1; resumes < 20; resumes++) {
    const { state, reason } = await resumeRun({ run, ...lab.watching }, lab.env);
    if (state !== "paused") return { resumes, state, reason };
  }
  throw new Error("it never ended");
}

const LIMITS = [
  ["steps", { steps: 7 }, /limit `steps` exceeded: 8 used, 7 allowed/],
  ["tokens", { tokens: 2500 }, /limit `tokens` exceeded: \d+ used, 2500 allowed/],
] as const;

test.each(LIMITS)("%s are counted across resumes as if the run had never paused", async (_, limits, reason) => {
  const turns = Array.from({ length: 20 }, (_, i) => ({ text: `turn ${i}`, calls: [{ id: `r${i}`, ...READ }] }));
  const hook = await watchful(3);
  const file = await lab.blueprint({
    hooks: [hook],
    chain: { "pre-plan": ["watchful"] },
    turns,
    limits: { steps: 15, ...limits },
  });
  const { run, state } = await lab.run(file);
  expect(state).toBe("paused");
  const ended = await toItsEnd(run);
  expect(ended).toMatchObject({ state: "failed", reason: expect.stringMatching(reason) });
  expect(ended.resumes).toBeGreaterThan(1);
  const folder = join(lab.env.stateDir, "runs", run);
  const key = join(lab.env.stateDir, "keys", `${run}.key`);
  expect(await lab.replay(folder, { key })).toMatchObject({ answer: "identical" });
});

test("tool calls and spawned children are counted across resumes, and what is beyond is refused", async () => {
  const turns = [
    { text: "one", calls: [{ id: "s1", ...SPAWN }] },
    { text: "not said" },
    { text: "two", calls: [{ id: "s2", ...SPAWN }] },
    { text: "not said" },
    { text: "three", calls: ["c1", "c2"].map((id) => ({ id, ...READ })) },
  ];
  const hook = await watchful(3);
  const file = await lab.blueprint({
    hooks: [hook],
    chain: { "pre-plan": ["watchful"] },
    turns,
    child: [{ text: "helped" }],
    limits: { spawnCount: 1, toolCalls: 3 },
  });
  const { run } = await lab.run(file);
  const ended = await toItsEnd(run);
  expect(ended).toMatchObject({ state: "failed", reason: "limit `toolCalls` exceeded: 4 used, 3 allowed", resumes: 2 });
  const limits = lab.entries.filter(({ kind }) => kind === "check.limit").map(({ body }) => body);
  expect(limits).toEqual([
    { limit: "spawnCount", allowed: 1, used: 2 },
    { limit: "toolCalls", allowed: 3, used: 4 },
  ]);
  const refused = lab.entries.filter(({ kind }) => kind === "check.refused").map(({ body }) => body);
  expect(refused).toMatchObject([{ call: "c2", reason: "limit `toolCalls` allows 3" }]);
});
