/**
 * What a step costs: the scripted model asks for one tool call in each of 1,000 steps, the standard pipeline of shipped
 * hooks is asked at every boundary, and every entry is on disk. Then the recording is replayed.
 *
 * `node bench/run.ts [steps]`
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { Lab } from "../test/support/lab.ts";

const steps = Number(process.argv[2] ?? 1000);
const lab = await Lab.open();
try {
  await lab.file("a.txt", "x".repeat(200));
  const pad = "y".repeat(900);
  const file = await lab.blueprint({
    turns: [
      {
        repeat: steps,
        text: "once more",
        calls: [{ tool: "file.search", arguments: { pattern: pad, path: "." } }],
      },
      { text: "done" },
    ],
    shipped: {
      redact: {},
      "tool-gate": { allow: [{ tools: ["file.*"] }] },
      budget: { steps: steps + 10 },
      audit: {},
    },
    chain: {
      "pre-plan": ["redact", "budget"],
      "pre-send": ["redact", "budget"],
      "post-receive": ["redact"],
      "pre-tool": ["redact", "tool-gate", "budget"],
      "post-tool": ["redact"],
      "state-transition": ["redact"],
      spawn: ["redact", "tool-gate", "budget"],
      audit: ["redact", "audit"],
    },
    context: { maxBytes: 16_384, maxResultBytes: 4096 },
    limits: { steps: steps + 10, tokens: 1e9, toolCalls: steps + 10, runMs: 3_600_000 },
  });
  const begun: number[] = [];
  const started = performance.now();
  const summary = await lab.run(file, {
    onEntry: (entry) => {
      if (entry.kind === "check.intent" && entry.body.kind === "input.model") begun.push(performance.now());
    },
  });
  if (summary.state !== "completed") throw new Error(`the run is ${summary.state}: ${summary.reason}`);
  const total = performance.now() - started;
  const costs = begun.slice(1).map((at, i) => at - (begun[i] ?? at));
  const around = (step: number): number => quantile(costs.slice(Math.max(0, step - 8), step + 8), 0.5);
  console.log(`node ${process.version}, ${steps} steps in ${(total / 1000).toFixed(1)} s`);
  console.log(`a step: p50 ${quantile(costs, 0.5).toFixed(2)} ms, p99 ${quantile(costs, 0.99).toFixed(2)} ms`);
  console.log(
    `around step 10: ${around(10).toFixed(2)} ms, around the last: ${around(costs.length - 8).toFixed(2)} ms, ratio ${(around(costs.length - 8) / around(10)).toFixed(2)}`,
  );
  const bytes = statSync(summary.journal).size;
  console.log(`journal: ${(bytes / steps / 1024).toFixed(1)} KiB a step`);

  const replaying = performance.now();
  const { answer } = await lab.replay(join(lab.root, "out.jsonl"));
  const took = (performance.now() - replaying) / 1000;
  console.log(`replay: ${answer}, ${(steps / took).toFixed(0)} steps a second, ${(took * 1000).toFixed(0)} ms in all`);
} finally {
  await lab.close();
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
