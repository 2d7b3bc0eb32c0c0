import { expect } from "vitest";
import type { RunSummary } from "../../src/runtime.ts";
import { Lab, scriptedHook } from "../support/lab.ts";
import { CHILD, TURNS } from "../support/phases.ts";

/** A run with two gates that reads, writes, has a call blocked, and asks a child; its recording is `out.jsonl` in the lab. */
export async function sampleRun(): Promise<{ readonly lab: Lab; readonly summary: RunSummary }> {
  const lab = await Lab.open();
  await lab.file("a.txt", "secret of a");
  const gate = await scriptedHook('return allow("seen");', {
    name: "gate",
    phases: ["pre-tool", "pre-send", "spawn", "post-tool"],
  });
  const second = await scriptedHook(
    'return phase === "pre-tool" && JSON.parse(payload).call.id === "no" ? block("no") : allow("seen, too");',
    {
      name: "second",
      phases: ["pre-tool", "pre-send"],
    },
  );
  const denied = { id: "no", tool: "file.read", arguments: { path: "a.txt" } };
  const [first, last] = TURNS;
  const file = await lab.blueprint({
    hooks: [gate, second],
    chain: { "pre-send": ["gate", "second"], "pre-tool": ["gate", "second"], "post-tool": ["gate"], spawn: ["gate"] },
    turns: [{ ...first, calls: [...first.calls, denied] }, last],
    child: CHILD,
  });
  const summary = await lab.run(file);
  expect(summary).toMatchObject({ state: "completed" });
  return { lab, summary };
}
