import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { verifyRecordings } from "../../harness/index.ts";
import { readRunKey } from "../../src/journal/keys.ts";
import { digestOf } from "../../src/model/canonical.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { RunSummary } from "../../src/runtime.ts";
import { Desk } from "../support/approvals.ts";
import { forge, type Open } from "../support/forger.ts";
import { until } from "../support/held.ts";
import { Lab, scriptedHook } from "../support/lab.ts";

const write = (id: string) => ({
  id,
  tool: "file.write",
  arguments: { path: "out/x", content: "written", createDirectories: true },
});

let lab: Lab;
let summary: RunSummary;
let recorded: string;

beforeAll(async () => {
  lab = await Lab.open();
  const desk = new Desk(lab);
  const file = await lab.blueprint({
    turns: [{ text: "go", calls: [write("first"), write("second")] }, { text: "done" }],
    approvals: [{ name: "writes", tools: ["file.write"], approvers: { users: ["alice"] } }],
  });
  summary = await desk.answered(await desk.answered(await lab.run(file)));
  expect(summary).toMatchObject({ state: "completed" });
  recorded = await readFile(summary.journal, "utf8");
});
afterAll(() => lab.close());
beforeEach(() => writeFile(summary.journal, recorded));

/** What verify finds in the approvals of a journal that was rewritten with the run's key. */
async function found(change: (entry: Open) => readonly Open[]): Promise<readonly string[]> {
  const key = readRunKey(join(lab.env.stateDir, "keys", `${summary.run}.key`)) ?? new Uint8Array();
  await forge(summary.journal, { key, run: summary.run }, change);
  const { recordings } = await verifyRecordings([dirname(summary.journal)], {}, lab.env);
  const checks = recordings[0]?.checks.filter(({ check }) => check !== "checkpoints") ?? [];
  return checks.flatMap(({ check, findings }) => findings.map(({ message }) => `${check}: ${message}`));
}

const isEvent = ({ kind, body }: Open, event: string, approval = "a1"): boolean =>
  kind === "check.approval" && body.event === event && body.approval === approval;
const changed = (entry: Open, body: JsonObject): readonly Open[] => [{ ...entry, body: { ...entry.body, ...body } }];

test("an approval that was asked for, given and used passes", async () => {
  expect(await found((entry) => [entry])).toEqual([]);
});

test("an answer that comes while a hook is at work counts where the hook is done, and passes", async () => {
  const slow = await scriptedHook("host.sleep(1500); return allow('slept');", { name: "slow", phases: ["pre-tool"] });
  const file = await lab.blueprint({
    hooks: [slow],
    chain: { "pre-tool": ["slow"] },
    turns: [{ text: "go", calls: [write("first")] }, { text: "done" }],
    approvals: [{ name: "writes", tools: ["file.write"] }],
  });
  const desk = new Desk(lab);
  const first = await lab.run(file);
  const going = desk.resume(first);
  await until("the run goes on", () => existsSync(join(dirname(first.journal), "control.sock")));
  expect(await desk.answer(first)).toMatchObject({ event: "approved" });
  expect(await going).toMatchObject({ state: "paused" });
  expect(await desk.resume(first)).toMatchObject({ state: "completed" });
  expect(await desk.replay(first)).toBe("identical");
});

test("D12 a forged recording: what it says in clear of a control is what was met", async () => {
  const key = readRunKey(join(lab.env.stateDir, "keys", `${summary.run}.key`)) ?? new Uint8Array();
  const isResume = ({ kind, body }: Open) => kind === "input.control" && (body.ref as JsonObject).control === "resume";
  const forgeries: readonly ((entry: Open) => Open)[] = [
    (entry) => ({ ...entry, body: { ref: { ...(entry.body.ref as JsonObject), control: "pause" } } }),
    (entry) => ({ ...entry, ...(entry.content && { content: { ...entry.content, request: "asked" } }) }),
  ];
  for (const change of forgeries) {
    await writeFile(summary.journal, recorded);
    await forge(summary.journal, { key, run: summary.run }, (entry) => [isResume(entry) ? change(entry) : entry]);
    const { answer } = await lab.replay(dirname(summary.journal)).catch(({ code }) => ({ answer: code }));
    expect(["diverged", "bad-content"]).toContain(answer);
  }
});

test("A4 approve one thing, run another: an approval of another action, also in every place that names it", async () => {
  const other = digestOf("another action");
  expect(
    await found((entry) => (isEvent(entry, "asked") ? changed(entry, { action: other }) : [entry])),
  ).toContainEqual(expect.stringMatching(/^approvals: approval `a1` is not what seq \d+ waits for$/));
  await writeFile(summary.journal, recorded);
  const everywhere = await found((entry) => {
    const isOf = entry.kind === "check.approval" && entry.body.approval === "a1" && entry.body.action !== undefined;
    return isOf ? changed(entry, { action: other }) : [entry];
  });
  expect(everywhere).toContainEqual(expect.stringMatching(/is of another action than seq \d+ let through$/));
});

test("A6 an approval used twice, after it expired, or booked nowhere", async () => {
  const twice = await found((entry) => {
    if (entry.kind === "check.boundary" && entry.body.approval === "a2") return changed(entry, { approval: "a1" });
    return isEvent(entry, "used", "a2") ? changed(entry, { approval: "a1" }) : [entry];
  });
  expect(twice).toContain("approvals: approval `a1` was used before");
  await writeFile(summary.journal, recorded);
  const late = await found((entry) => (isEvent(entry, "asked") ? changed(entry, { expires: 1 }) : [entry]));
  expect(late).toContain("approvals: approval `a1` was given too late");
  expect(late).toContain("approvals: approval `a1` is used after it expired");
  await writeFile(summary.journal, recorded);
  const unbooked = await found((entry) => (isEvent(entry, "used") ? [] : [entry]));
  expect(unbooked).toContain("approvals: it was allowed under an approval, and no use of that is booked");
});

test("A5 a rule that demanded an approval is made to have demanded none", async () => {
  const undemanded = await found((entry) => {
    if (entry.kind === "check.approval") return [];
    if (entry.kind !== "check.boundary" || entry.body.approval === undefined) return [entry];
    const { approval: _, demands: __, ...body } = entry.body;
    return [{ ...entry, body }];
  });
  expect(undemanded).toContainEqual(
    expect.stringMatching(/^permission: `.*approvals\.writes` demands an approval, and it does not say so$/),
  );
});

test("A9 an approval from the wrong person, and A5 one that nobody gave", async () => {
  const wrong = await found((entry) => (isEvent(entry, "approved") ? changed(entry, { user: "mallory" }) : [entry]));
  expect(wrong).toContain("approvals: approval `a1` is not what was answered");
  expect(wrong).toContainEqual(
    expect.stringMatching(/^approvals: approval `a1` was given by `mallory`, whom .* does not let answer$/),
  );
  await writeFile(summary.journal, recorded);
  const nobody = await found((entry) => (isEvent(entry, "approved") ? changed(entry, { event: "refused" }) : [entry]));
  expect(nobody).toContain("approvals: approval `a1` is used, and nobody gave it");
  await writeFile(summary.journal, recorded);
  const without = await found((entry) => {
    if (entry.kind !== "check.boundary" || entry.body.approval !== "a1") return [entry];
    const { approval: _, ...body } = entry.body;
    return [{ ...entry, body }];
  });
  expect(without).toContain("hooks: it is said to allow, but something it demands was not met");
});
