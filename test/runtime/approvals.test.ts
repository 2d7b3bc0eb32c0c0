import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ApprovalAnswer } from "../../src/model/entry.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { answerApproval, type RunSummary, resumeRun } from "../../src/runtime.ts";
import { Lab, type LabBlueprint } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "content of a");
});
afterEach(() => lab.close());

const ONCE = { approve: true, scope: "once" } as const;
const WRITE = {
  id: "w",
  tool: "file.write",
  arguments: { path: "out/x", content: "written", createDirectories: true },
};
const RULE = { name: "writes", tools: ["file.write"] };

function blueprint(more: Partial<LabBlueprint> = {}): Promise<string> {
  return lab.blueprint({
    turns: [{ text: "go", calls: [WRITE] }, { text: 'done: ${results.w.path | default "nothing"}' }],
    approvals: [RULE],
    ...more,
  });
}

function answer(summary: RunSummary, given: ApprovalAnswer = ONCE, approval = "a1") {
  return answerApproval({ run: summary.run, approval, answer: given, by: "alice at her desk", user: "alice" }, lab.env);
}

function resume({ run }: RunSummary): Promise<RunSummary> {
  return resumeRun({ run, by: "alice", ...lab.watching }, lab.env);
}

async function approvals({ journal }: RunSummary): Promise<readonly JsonObject[]> {
  const lines = (await readFile(journal, "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line)).flatMap(({ kind, body }) => (kind === "check.approval" ? [body] : []));
}

async function replayed(summary: RunSummary): Promise<unknown> {
  const { answer: said } = await lab.replay(summary.journal.replace(/\/journal.jsonl$/, ""));
  return said;
}

test("A11 an action that needs an approval waits on disk; what is approved is done, once, and replays", async () => {
  const first = await lab.run(await blueprint());
  expect(first).toMatchObject({ state: "paused", exit: 6, reason: expect.stringContaining("approval a1 is needed") });
  expect(first.approvals).toMatchObject([
    { run: first.run, approval: "a1", subject: "w file.write", payload: { call: { arguments: WRITE.arguments } } },
  ]);
  expect(existsSync(join(lab.workspace, "out/x"))).toBe(false);
  expect(await replayed(first)).toBe("identical");

  expect(await resume(first)).toMatchObject({ state: "paused", exit: 6 });
  expect(await answer(first)).toMatchObject({ approval: "a1", event: "approved" });
  expect(existsSync(join(lab.workspace, "out/x"))).toBe(false);
  const second = await resume(first);
  expect(second).toMatchObject({ state: "completed", exit: 0, result: "done: out/x" });
  expect(await approvals(second)).toMatchObject([
    { approval: "a1", event: "asked" },
    { approval: "a1", event: "approved", by: "alice at her desk", user: "alice", scope: "once" },
    { approval: "a1", event: "used" },
  ]);
  expect(await replayed(second)).toBe("identical");
  await lab.forget(second);
  expect(await replayed(second)).toBe("identical-except-sealed");
});

test("what is denied does not happen, the agent is told why, and asks in vain for the same", async () => {
  const again = { ...WRITE, id: "again" };
  const turns = [{ text: "go", calls: [WRITE] }, { text: "again", calls: [again] }, { text: "done: ${results.again}" }];
  const first = await lab.run(await blueprint({ turns }));
  await answer(first, { approve: false, reason: "not on a Friday" });
  const second = await resume(first);
  expect(second).toMatchObject({ state: "completed", exit: 0, result: expect.stringContaining("not on a Friday") });
  expect(existsSync(join(lab.workspace, "out/x"))).toBe(false);
  expect(await approvals(second)).toMatchObject([
    { event: "asked" },
    { event: "denied", reason: "not on a Friday" },
    { event: "repeated", times: 1 },
  ]);
  expect(await replayed(second)).toBe("identical");
  await lab.forget(second);
  expect(await replayed(second)).toBe("identical-except-sealed");
});
