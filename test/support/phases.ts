import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import type { Phase } from "../../src/model/phase.ts";
import type { RunSummary } from "../../src/runtime.ts";
import type { Lab } from "./lab.ts";

/** A run that passes every phase: it reads `a.txt`, writes `out/made.txt`, and asks the child `helper`. */
export const TURNS = [
  {
    text: "working",
    calls: [
      { id: "read", tool: "file.read", arguments: { path: "a.txt" } },
      {
        id: "write",
        tool: "file.write",
        arguments: { path: "out/made.txt", content: "made", createDirectories: true },
      },
      { id: "ask", tool: "agent.spawn", arguments: { agent: "helper", goal: "help" } },
    ],
  },
  { text: 'told: ${results.read.content | default "nothing"} / ${results.ask.answer | default "nobody"}' },
] as const;

export const CHILD = [{ text: "helped" }] as const;

/** What §3 of the design says a block means in each phase: what the phase guards has not happened. */
export const NOTHING_HAPPENED: Readonly<Record<Phase, (lab: Lab, summary: RunSummary) => void>> = {
  "pre-plan": modelWasNotAsked,
  "pre-send": modelWasNotAsked,
  "post-receive": (lab, summary) => {
    expect(summary).toMatchObject({ state: "paused", exit: 4, result: "" });
    expectNoEffects(lab);
  },
  "pre-tool": (lab, summary) => {
    expect(summary).toMatchObject({ state: "completed", exit: 0, result: "told: nothing / nobody", children: [] });
    expectNoEffects(lab);
  },
  "post-tool": (_lab, summary) => {
    expect(summary).toMatchObject({ state: "completed", exit: 0, result: "told: nothing / nobody" });
  },
  "state-transition": (lab, summary) => {
    expect(summary).toMatchObject({ state: "pending", exit: 4 });
    expect(modelAnswers(lab)).toBe(0);
    expectNoEffects(lab);
  },
  spawn: (_lab, summary) => {
    expect(summary).toMatchObject({ state: "completed", exit: 0, result: "told: secret of a / nobody", children: [] });
  },
  audit: (lab, summary) => {
    expect(summary).toMatchObject({ state: "paused", exit: 4 });
    expect(modelAnswers(lab)).toBe(0);
    expectNoEffects(lab);
  },
};

function modelWasNotAsked(lab: Lab, summary: RunSummary): void {
  expect(summary).toMatchObject({ state: "paused", exit: 4, steps: 1 });
  expect(modelAnswers(lab)).toBe(0);
  expectNoEffects(lab);
}

function modelAnswers(lab: Lab): number {
  return lab.entries.filter((entry) => entry.kind === "input.model").length;
}

function expectNoEffects(lab: Lab): void {
  expect(existsSync(join(lab.workspace, "out/made.txt"))).toBe(false);
  expect(lab.entries.filter((entry) => entry.kind === "input.tool")).toEqual([]);
}

/** The boundaries that were blocked. */
export function blockedBoundaries(lab: Lab): readonly JsonObject[] {
  return lab.entries
    .filter((entry) => entry.kind === "check.boundary" && entry.body.decision === "block")
    .map((entry) => entry.body);
}
