import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openRecording } from "../../src/journal/recording.ts";
import { story } from "../journal/story.ts";
import { temporary, workshop } from "../journal/workshop.ts";
import { runs, seed } from "../support/property.ts";

const victim = fileURLToPath(new URL("../journal/victim.ts", import.meta.url));
const logOf = (root: string) => join(root, "world.log");
const done = (root: string) => (existsSync(logOf(root)) ? readFileSync(logOf(root), "utf8").trimEnd().split("\n") : []);
const tally = (names: readonly string[], name: string) => names.filter((other) => other === name).length;

function countCalls(): number {
  const root = temporary();
  execFileSync(execPath, [victim, root]);
  return Number(readFileSync(join(root, "calls"), "utf8"));
}

/** Nothing had happened yet: there is no key, or not even a header. */
const NOTHING_YET = ["no-such-run", "not-a-recording", "no-run-key", "bad-key"];

async function killedAt(call: number): Promise<void> {
  const root = temporary();
  const { signal } = spawnSync(execPath, [victim, root, String(call)]);
  expect(signal).toBe("SIGKILL");
  const before = done(root);
  const bench = workshop(root);
  const resumed = await bench.resume().catch((error: { code: string }) => error.code);
  if (resumed === "run-ended") {
    expect(openRecording(bench.folder)).toMatchObject({ complete: true, torn: 0 });
    return;
  }
  if (typeof resumed === "string") {
    expect(NOTHING_YET).toContain(resumed);
    expect(before).toEqual([]);
    return;
  }
  const { journal } = resumed;
  const intents = bench.lines().filter((line) => line.includes('"kind":"check.intent"')).length;
  expect(before.filter((what) => /^(model|tool)/.test(what)).length).toBeLessThanOrEqual(intents);
  const told = await story(journal, async (what) => {
    appendFileSync(logOf(root), `${what}\n`);
    return what;
  });
  await journal.close();
  const after = done(root);
  for (const step of [1, 2]) {
    const { length: unknown } = told.filter((line) => line === '{"kind":"unknown"}');
    expect(tally(after, `tool ${step}`)).toBeLessThanOrEqual(1);
    expect(tally(after, `tool ${step}`) + unknown).toBeGreaterThanOrEqual(1);
    expect(tally(after, `model ${step}`)).toBeGreaterThanOrEqual(1);
  }
  expect(openRecording(bench.folder)).toMatchObject({ complete: true, torn: 0 });
  const replay = bench.replay();
  expect(await story(replay, () => Promise.reject(new Error("performed")))).toEqual(told);
  replay.finish();
  await replay.close();
}

describe("L1 SIGKILL between any two system calls", () => {
  it("leaves a journal that resumes with nothing lost and nothing done twice", {
    timeout: runs(120_000, 600_000),
  }, async () => {
    const calls = countCalls();
    const stride = runs(Math.ceil(calls / 12), 1);
    for (let call = seed % stride; call < calls - 1; call += stride) await killedAt(call);
  });
});
