import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openRecording } from "../../src/journal/recording.ts";
import { resumeRun } from "../../src/runtime.ts";
import { story } from "../journal/story.ts";
import { workshop } from "../journal/workshop.ts";
import { Lab, scriptedHook } from "../support/lab.ts";

const HOUR = 3_600_000;

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

/** Two steps, the first with a call; a second is enough for both. */
const turns = [{ text: "one", calls: [{ id: "l", tool: "file.list", arguments: {} }] }, { text: "done" }];
/** Monotonic time that passes by 300 ms a look. */
const passing = () => {
  let passed = 0;
  return () => {
    passed += 300;
    return passed;
  };
};

describe("N6 a clock that jumps", () => {
  it("forward is not time that the run was worked on", async () => {
    const file = await lab.blueprint({ turns, limits: { runMs: 60_000, stepMs: 60_000 } });
    let time = Date.now();
    Object.assign(lab.env, {
      now: () => {
        time += HOUR;
        return time;
      },
    });
    expect(await lab.run(file)).toMatchObject({ state: "completed" });
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });

  it.each(["runMs", "stepMs"])("back does not stop `%s` from being reached", async (limit) => {
    const file = await lab.blueprint({ turns, limits: { [limit]: 1000 } });
    let time = Date.now();
    const now = () => {
      time -= HOUR;
      return time;
    };
    const step = limit === "stepMs" ? 1200 : 400;
    let passed = 0;
    const monotonic = () => {
      passed += step;
      return passed;
    };
    Object.assign(lab.env, { now, monotonic });
    const summary = await lab.run(file);
    expect(summary).toMatchObject({ state: "failed", reason: expect.stringContaining(`limit \`${limit}\` exceeded`) });
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });

  it("does not move what is left to a run that was killed and resumed the next day, nor does a restart of the machine", async () => {
    const file = await lab.blueprint({ turns, limits: { runMs: 60_000, stepMs: 60_000 } });
    const summary = await lab.run(file);
    await lab.crash(summary, '"kind":"input.model"');
    // Monotonic time begins anew when a machine starts.
    const restarted = { ...lab.env, now: () => Date.now() + 24 * HOUR, monotonic: passing() };
    expect(await resumeRun({ run: summary.run, ...lab.watching }, restarted)).toMatchObject({ state: "completed" });
  });

  it("does not count while a run waits for a person, and what was worked before does", async () => {
    const waiting = await scriptedHook(
      "return JSON.parse(payload).usage.steps === 1 ? block(`${JSON.parse(payload).usage.elapsedMs}`) : allow(`${JSON.parse(payload).usage.elapsedMs}`);",
      { name: "waiting", phases: ["pre-plan"] },
    );
    const file = await lab.blueprint({ turns, hooks: [waiting], chain: { "pre-plan": ["waiting"] } });
    const summary = await lab.run(file);
    expect(summary).toMatchObject({ state: "paused" });
    const later = { ...lab.env, now: () => Date.now() + HOUR };
    expect(await resumeRun({ run: summary.run, ...lab.watching }, later)).toMatchObject({ state: "completed" });
    const times = lab.rationales("pre-plan").map(Number);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBeLessThan(HOUR);
  });

  it("is not what `ran` is made of: it goes on from where it stood, without what was replayed", async () => {
    const bench = workshop(undefined, { clock: () => 5 });
    const journal = await bench.create();
    await story(journal, async (what) => what);
    await journal.close();
    const ran = () => [...openRecording(bench.folder).entries()].flatMap(({ entry }) => entry.ran ?? []);
    const before = ran();
    expect(before).toEqual(before.map((_, i) => 7 * (i + 1)));
    const lines = bench.lines();
    const half = lines.findIndex((line, i) => i > lines.length / 2 && line.includes('"at":'));
    bench.overwrite(lines.slice(0, half + 1));
    const kept = ran();
    const looks = { count: 0 };
    const resumed = workshop(bench.root, {
      clock: () => 5,
      monotonic: () => {
        looks.count += 1;
        return 1_000_000 * looks.count;
      },
    });
    const { journal: again } = await resumed.resume();
    await story(again, async (what) => what);
    await again.close();
    const last = kept.at(-1) ?? 0;
    // One look when the past was used up, one for each input behind it.
    expect(ran()).toEqual([...kept, ...before.slice(kept.length).map((_, i) => last + 1_000_000 * (i + 1))]);
    expect(again.ran()).toBe(ran().at(-1));
  });
});
