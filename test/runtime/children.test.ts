import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { go, holding, prepareHolds, runJson, runsOf, startHeld, type Under, untilBegun } from "../support/held.ts";
import { Lab, type LabBlueprint } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await prepareHolds(lab);
});
afterEach(() => lab.close());

const SPAWN = {
  text: "I ask",
  calls: [{ id: "ask", tool: "agent.spawn", arguments: { agent: "helper", goal: "help" } }],
};
const PARTS = {
  turns: [SPAWN, { text: 'told: ${results.ask.state} ${results.ask.answer | default "nothing"}' }],
  child: [holding("a"), { text: 'helped: ${results.a.stdout | default "not"}' }],
  childTools: ["process.run"],
};

const folderOf = (run: string): string => join(lab.env.stateDir, "runs", run);
const keyOf = (run: string): string => join(lab.env.stateDir, "keys", `${run}.key`);

/** A parent whose child is held in its tool call. */
async function family(
  parts: LabBlueprint = PARTS,
): Promise<{ readonly parent: string; readonly child: string; readonly command: Under }> {
  const { command } = await startHeld(lab, await lab.blueprint(parts), "a");
  const all = await runsOf(lab);
  const told = await Promise.all(all.map(async (run) => (await runJson(lab, "status", run)).said));
  const child = told.find(({ parent }) => parent !== null);
  return { parent: String(child?.parent), child: String(child?.run), command };
}

/** Asks for a pause while the child is held, lets it go on, and waits until the pause has come. */
async function paused(run: string): ReturnType<typeof runJson> {
  expect(await runJson(lab, "pause", run, "--no-wait")).toMatchObject({ code: 0, said: { done: false } });
  await go(lab, "a");
  return runJson(lab, "pause", run);
}

async function expectReplays(run: string): Promise<void> {
  expect(await lab.replay(folderOf(run), { key: keyOf(run) })).toMatchObject({ answer: "identical" });
  await rm(keyOf(run));
  expect(await lab.replay(folderOf(run))).toMatchObject({ answer: "identical-except-sealed" });
}

const TOLD = "told: completed helped: went a\n";

test("a parent that is paused pauses its child, and when it goes on so does the child", async () => {
  const { parent, child, command } = await family();
  expect(await paused(parent)).toMatchObject({
    code: 0,
    said: { state: "paused", reason: expect.stringMatching(/^paused by /) },
  });
  expect(await command.done).toMatchObject({ code: 4 });
  expect(await runJson(lab, "status", child)).toMatchObject({
    said: { state: "paused", reason: expect.stringMatching(/^paused by /), parent, process: null },
  });
  expect(await runJson(lab, "status", parent)).toMatchObject({
    said: { step: 1, children: [{ run: child, state: "paused", agent: "helper@1.0.0" }] },
  });
  expect(await runJson(lab, "resume", parent)).toMatchObject({
    code: 0,
    said: { state: "completed", result: TOLD, children: [child], steps: 2 },
  });
  expect(await runJson(lab, "status", child)).toMatchObject({ said: { state: "completed" } });
  expect(await readFile(join(lab.workspace, "out/begun-a"), "utf8")).toBe("x");
  await expectReplays(parent);
  await expectReplays(child);
});

test("a child that is paused by itself pauses the run that waits for it, which hears how it ended in the end", async () => {
  const { parent, child, command } = await family();
  expect(await paused(child)).toMatchObject({ code: 0, said: { state: "paused" } });
  expect(await command.done).toMatchObject({
    code: 4,
    stdout: expect.stringContaining(`child run \`${child}\` is paused`),
  });
  // A person goes on with the child alone, and then with its parent.
  expect(await runJson(lab, "resume", child)).toMatchObject({ code: 0, said: { state: "completed" } });
  expect(await runJson(lab, "resume", parent)).toMatchObject({ code: 0, said: { state: "completed", result: TOLD } });
  await expectReplays(parent);
});

test("a child that was terminated while its parent was paused is told to the agent as terminated", async () => {
  const { parent, child } = await family();
  await paused(parent);
  expect(await runJson(lab, "terminate", child)).toMatchObject({ code: 0, said: { state: "terminated" } });
  expect(await runJson(lab, "resume", parent)).toMatchObject({
    code: 0,
    said: { state: "completed", result: expect.stringMatching(/^told: terminated /) },
  });
});

test("terminating a parent ends its child, and the child knows who wanted it", async () => {
  const { parent, child, command } = await family();
  expect(await runJson(lab, "terminate", parent)).toMatchObject({ code: 0, said: { state: "terminated" } });
  expect(await command.done).toMatchObject({ code: 130 });
  const { said } = await runJson(lab, "status", parent);
  expect(await runJson(lab, "status", child)).toMatchObject({ said: { state: "terminated", reason: said.reason } });
  expect(said.reason).toMatch(/^cancelled by /);
  await expectReplays(parent);
});

test("a parent that is terminated while it rests takes its child along", async () => {
  const { parent, child } = await family();
  await paused(parent);
  expect(await runJson(lab, "terminate", parent)).toMatchObject({ code: 0, said: { state: "terminated" } });
  expect(await runJson(lab, "status", child)).toMatchObject({ said: { state: "terminated" } });
  await expectReplays(parent);
  await expectReplays(child);
});

test("N4 a crash while a child goes on after a pause is no more than another pause", async () => {
  const parts = { ...PARTS, child: [holding("a"), holding("b"), { text: "helped: went a\n" }] };
  const { parent, command } = await family(parts);
  await paused(parent);
  await command.done;
  const again = lab.command("pinion", ["run", "resume", parent]);
  await untilBegun(lab, "b");
  again.kill("SIGKILL");
  await go(lab, "b");
  // The child's call has no outcome that anybody knows: it pauses, and its parent with it.
  expect(await runJson(lab, "resume", parent)).toMatchObject({ code: 4, said: { state: "paused" } });
  expect(await runJson(lab, "resume", parent)).toMatchObject({ code: 0, said: { state: "completed", result: TOLD } });
  expect(await readFile(join(lab.workspace, "out/begun-b"), "utf8")).toBe("x");
  await expectReplays(parent);
});
