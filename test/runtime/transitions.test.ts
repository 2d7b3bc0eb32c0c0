import { afterEach, beforeEach, expect, test } from "vitest";
import { go, holding, prepareHolds, runJson, startHeld } from "../support/held.ts";
import { Lab, scriptedHook } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await prepareHolds(lab);
});
afterEach(() => lab.close());

const chain = { "state-transition": ["guard"] };
const guard = (code: string) => scriptedHook(code, { name: "guard", phases: ["state-transition"] });

/** What the hook answered at each transition, from the journal. */
async function transitions(run: string): Promise<readonly string[]> {
  const { stdout } = await lab.finished("pinion", ["run", "logs", run, "--json"]);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ kind, body }) => kind === "check.boundary" && body.phase === "state-transition")
    .map(({ body }) => `${body.subject}: ${body.verdicts[0].rationale}`);
}

test("every transition that a person asks for goes past the hooks of its phase, with the reason", async () => {
  const hook = await guard('const p = JSON.parse(payload); return allow("because " + p.reason);');
  const file = await lab.blueprint({ hooks: [hook], chain, turns: [holding("a"), { text: "done" }] });
  const { run, command } = await startHeld(lab, file, "a");
  await runJson(lab, "pause", run, "--no-wait");
  await go(lab, "a");
  await command.done;
  expect(await runJson(lab, "terminate", run)).toMatchObject({ code: 0 });
  expect(await transitions(run)).toEqual([
    "pending → running: because started",
    expect.stringMatching(/^running → paused: because paused by \S+/),
    expect.stringMatching(/^paused → terminated: because cancelled by \S+/),
  ]);
});

test("a hook may keep a run from going on, and may not keep it from pausing or ending", async () => {
  const hook = await guard(
    'const p = JSON.parse(payload); return p.from === "pending" ? allow("start") : block("no " + p.to);',
  );
  const file = await lab.blueprint({ hooks: [hook], chain, turns: [holding("a"), { text: "done" }] });
  const { run, command } = await startHeld(lab, file, "a");
  await runJson(lab, "pause", run, "--no-wait");
  await go(lab, "a");
  expect(await command.done).toMatchObject({ code: 4 });
  expect(await runJson(lab, "resume", run)).toMatchObject({
    code: 4,
    said: { state: "paused", reason: expect.stringContaining("no running") },
  });
  expect(await runJson(lab, "terminate", run)).toMatchObject({ code: 0, said: { state: "terminated" } });
  expect(await transitions(run)).toEqual([
    "pending → running: start",
    "running → paused: no paused",
    "paused → running: no running",
    "paused → terminated: no terminated",
  ]);
});

test("a run whose process was killed is terminated past the hooks of its phase", async () => {
  const hook = await guard("return allow(JSON.parse(payload).reason);");
  const file = await lab.blueprint({ hooks: [hook], chain, turns: [holding("a"), { text: "done" }] });
  const { run, command } = await startHeld(lab, file, "a");
  command.process.kill("SIGKILL");
  await command.done;
  expect(await runJson(lab, "terminate", run)).toMatchObject({ code: 0, said: { state: "terminated" } });
  expect((await transitions(run)).at(-1)).toMatch(/^(running|paused) → terminated: cancelled by /);
});

test("a run that a hook kept from starting cannot be paused, and is terminated without having started", async () => {
  const hook = await guard('return JSON.parse(payload).to === "running" ? block("not today") : allow("");');
  const { run, state } = await lab.run(await lab.blueprint({ hooks: [hook], chain, turns: [{ text: "done" }] }));
  expect(state).toBe("pending");
  expect(await runJson(lab, "pause", run)).toMatchObject({ code: 2, said: { error: { code: "not-live" } } });
  expect(await runJson(lab, "terminate", run)).toMatchObject({ code: 0, said: { state: "terminated" } });
  expect(await runJson(lab, "status", run)).toMatchObject({ said: { state: "terminated", step: 0 } });
});
