/**
 * What it takes to recover a journal: reading and verifying it (MB/s), and going on with a run that was killed in its last step,
 * kernel and all, for journals of several lengths.
 *
 * `node bench/recovery.ts [entries…]`
 */
import { statSync } from "node:fs";
import { openRecording } from "../src/journal/recording.ts";
import { resumeRun } from "../src/runtime.ts";
import { Lab } from "../test/support/lab.ts";
import { say } from "./measure.ts";

const asked = process.argv.slice(2).map(Number);
const lengths = asked.length > 0 ? asked : [1_000, 10_000, 100_000];

/** Entries of one step of the run below. */
const A_STEP = 10;

console.log(`node ${process.version}`);
for (const length of lengths) {
  const lab = await Lab.open();
  try {
    const steps = Math.ceil(length / A_STEP);
    await lab.file("a.txt", "x".repeat(200));
    const calls = [{ tool: "file.read", arguments: { path: "a.txt" } }];
    const file = await lab.blueprint({
      turns: [{ repeat: steps, text: "once more", calls }, { text: "done" }],
      context: { maxBytes: 16_384, maxResultBytes: 4096 },
      limits: { steps: steps + 10, tokens: 1e9, toolCalls: steps + 10, runMs: 86_400_000 },
    });
    const summary = await lab.run(file, { record: undefined, onEntry: () => undefined });
    if (summary.state !== "completed") throw new Error(`the run is ${summary.state}: ${summary.reason}`);
    await lab.crash(summary, '"kind":"check.intent"', `"step":${steps}}`);

    const reading = performance.now();
    const recording = openRecording(summary.journal);
    const { count } = recording;
    recording.close();
    const read = performance.now() - reading;
    const bytes = statSync(summary.journal).size;

    const resuming = performance.now();
    const before = process.cpuUsage();
    let first = 0;
    let work = 0;
    const resumed = await resumeRun(
      {
        run: summary.run,
        signal: new AbortController().signal,
        onEntry: () => {
          if (first > 0) return;
          first = performance.now() - resuming;
          const { user, system } = process.cpuUsage(before);
          work = (user + system) / 1e6;
        },
        onNotice: () => undefined,
      },
      lab.env,
    );
    if (resumed.state !== "completed") throw new Error(`the resumed run is ${resumed.state}: ${resumed.reason}`);
    say(
      `${count.toLocaleString("en")} entries, ${(bytes / 1e6).toFixed(1)} MB`,
      `verified in ${read.toFixed(0)} ms (${(bytes / 1000 / read).toFixed(0)} MB/s), first new entry after ${(first / 1000).toFixed(2)} s (${((first * 1000) / count).toFixed(0)} µs an entry), ${work.toFixed(2)} s of it at work`,
    );
  } finally {
    await lab.close();
  }
}
