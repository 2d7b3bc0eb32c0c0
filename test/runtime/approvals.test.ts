import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { DENIED, Desk, FOR_THE_RUN } from "../support/approvals.ts";
import { Lab, type LabBlueprint, scriptedHook } from "../support/lab.ts";
import { runs, seed } from "../support/property.ts";

let lab: Lab;
let desk: Desk;
beforeEach(async () => {
  lab = await Lab.open();
  desk = new Desk(lab);
  await lab.file("a.txt", "content of a");
  await lab.file("b.txt", "content of b");
});
afterEach(() => lab.close());

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

const read = (id: string, path: string) => ({ id, tool: "file.read", arguments: { path } });

test("A11 an action that needs an approval waits on disk; what is approved is done, once, and replays", async () => {
  const first = await lab.run(await blueprint());
  expect(first).toMatchObject({ state: "paused", exit: 6, reason: expect.stringContaining("approval a1 is needed") });
  expect(first.approvals).toMatchObject([
    { run: first.run, approval: "a1", subject: "w file.write", payload: { call: { arguments: WRITE.arguments } } },
  ]);
  expect(existsSync(join(lab.workspace, "out/x"))).toBe(false);
  expect(await desk.replay(first)).toBe("identical");

  expect(await desk.resume(first)).toMatchObject({ state: "paused", exit: 6, approvals: [{ approval: "a1" }] });
  expect(await desk.answer(first)).toMatchObject({ approval: "a1", event: "approved" });
  expect(existsSync(join(lab.workspace, "out/x"))).toBe(false);
  const second = await desk.resume(first);
  expect(second).toMatchObject({ state: "completed", exit: 0, result: "done: out/x", blocked: 0, approvals: [] });
  expect(await desk.approvals(second)).toMatchObject([
    { approval: "a1", event: "asked" },
    { approval: "a1", event: "approved", by: "alice at her desk", user: "alice", scope: "once" },
    { approval: "a1", event: "used" },
  ]);
  expect(await desk.replay(second)).toBe("identical");
  await lab.forget(second);
  expect(await desk.replay(second)).toBe("identical-except-sealed");
});

test("boundary, approval and intent name one action, and the boundary names the approval", async () => {
  const done = await desk.answered(await lab.run(await blueprint()));
  const entries = await desk.entries(done);
  const allowed = entries.find(({ body }) => body.phase === "pre-tool" && body.decision === "allow")?.body;
  const intent = entries.find(({ kind, body }) => kind === "check.intent" && body.kind === "input.tool")?.body;
  const [asked] = await desk.approvals(done);
  expect(allowed).toMatchObject({ approval: "a1", action: asked?.action });
  expect(intent).toMatchObject({ action: asked?.action });
});

test("what is denied does not happen, the agent is told why, and asks in vain for the same", async () => {
  const turns = [
    { text: "go", calls: [WRITE] },
    { text: "again", calls: [{ ...WRITE, id: "again" }] },
    { text: "done: ${results.again}" },
  ];
  const done = await desk.answered(await lab.run(await blueprint({ turns })), DENIED);
  expect(done).toMatchObject({ state: "completed", exit: 0, result: expect.stringContaining("not on a Friday") });
  expect(existsSync(join(lab.workspace, "out/x"))).toBe(false);
  expect(await desk.approvals(done)).toMatchObject([
    { event: "asked" },
    { event: "denied", reason: "not on a Friday" },
    { event: "repeated", approval: "a1", times: 1 },
  ]);
  expect(await desk.replay(done)).toBe("identical");
  await lab.forget(done);
  expect(await desk.replay(done)).toBe("identical-except-sealed");
});

test("A11 nobody there to approve: when the time is over it is a denial, and the agent is told", async () => {
  const turns = [{ text: "go", calls: [WRITE] }, { text: "done: ${results.w}" }];
  const first = await lab.run(await blueprint({ turns }));
  desk.wait(2);
  const done = await desk.resume(first);
  expect(done).toMatchObject({
    state: "completed",
    result: "done: blocked: nobody answered approval a1 in time, which is a denial",
  });
  expect(existsSync(join(lab.workspace, "out/x"))).toBe(false);
  expect(await desk.approvals(done)).toMatchObject([{ event: "asked" }, { event: "expired" }]);
  expect(await desk.replay(done)).toBe("identical");
});

test("an answer for the run covers the same action again, and no other", async () => {
  const run = (id: string, word: string) => ({ id, tool: "process.run", arguments: { argv: ["node", word] } });
  await lab.file("one.js", "console.log(1)");
  await lab.file("two.js", "console.log(2)");
  const file = await blueprint({
    turns: [{ text: "go", calls: [run("p", "one.js"), run("q", "one.js"), run("r", "two.js")] }, { text: "done" }],
    approvals: [{ name: "commands", taxa: ["process"], scopes: ["run"] }],
  });
  const second = await desk.answered(await lab.run(file), FOR_THE_RUN);
  expect(second).toMatchObject({ exit: 6, approvals: [{ approval: "a2", subject: "r process.run" }] });
  const events = (await desk.approvals(second)).map(({ event }) => event);
  expect(events).toEqual(["asked", "approved", "used", "used", "asked"]);
});

test("of calls that read together, those before the one that waits are done first, and all are counted once", async () => {
  const file = await blueprint({
    turns: [
      { text: "go", calls: [read("one", "a.txt"), read("two", "b.txt"), read("three", "a.txt")] },
      { text: "${results.one.content}, ${results.two.content}, ${results.three.content}" },
    ],
    approvals: [{ name: "b-only", tools: ["file.read"], when: { paths: ["b.txt"] } }],
  });
  const first = await lab.run(file);
  const before = lab.entries.filter(({ kind }) => kind === "input.tool");
  expect(before).toMatchObject([{ body: { ref: { call: "one" } } }]);
  const done = await desk.answered(first);
  expect(done).toMatchObject({ state: "completed", result: "content of a, content of b, content of a" });
  const end = (await desk.entries(done)).find(({ kind }) => kind === "check.end");
  expect(end?.body).toMatchObject({ usage: { toolCalls: 3 } });
  expect(await desk.replay(done)).toBe("identical");
});

test("a call that a hook requests cannot wait for a person, and is refused", async () => {
  const hook = await scriptedHook(
    `if (phase !== "pre-plan") return allow("");
     try { return allow(host.requestToolCall("file.read", JSON.stringify({ path: "a.txt" }))); }
     catch (error) { return allow(String(error.payload ?? error.message)); }`,
    { phases: ["pre-plan"], authority: { tools: ["file.read"], files: [] } },
  );
  const file = await blueprint({
    turns: [{ text: "done" }],
    hooks: [hook],
    chain: { "pre-plan": ["scripted"] },
    grants: { scripted: { tools: ["file.read"], files: [] } },
    approvals: [{ name: "reads", tools: ["file.read"] }],
  });
  const done = await lab.run(file);
  expect(done).toMatchObject({ state: "completed" });
  expect(lab.rationales("pre-plan")[0]).toContain("a call that a hook requests cannot wait for one");
  expect(await desk.replay(done)).toBe("identical");
});

test("a run whose child waits says so, and both go on when the child's approval is answered", async () => {
  const file = await lab.blueprint({
    turns: [
      { text: "go", calls: [{ id: "ask", tool: "agent.spawn", arguments: { agent: "helper", goal: "help" } }] },
      { text: "helped: ${results.ask.answer}" },
    ],
    child: [{ text: "go", calls: [WRITE] }, { text: "wrote ${results.w.path}" }],
    childTools: ["file.write"],
    policy: { approvals: [RULE] },
  });
  const first = await lab.run(file);
  const [child] = first.children;
  expect(first).toMatchObject({ state: "paused", exit: 6, reason: `child run \`${child}\` is paused` });
  expect(first.approvals).toMatchObject([
    { run: child, approval: "a1", demands: [{ by: "policy policy@1.0.0: approvals.writes" }] },
  ]);
  const done = await desk.answered(first);
  expect(done).toMatchObject({ state: "completed", exit: 0, result: "helped: wrote out/x" });
  expect(await desk.replay(done)).toBe("identical");
});

describe("a run that dies", () => {
  test("at any entry comes to the same end, and does what was approved once", { timeout: 600_000 }, async () => {
    const done = await desk.answered(await lab.run(await blueprint()));
    const whole = (await readFile(done.journal, "utf8")).trimEnd().split("\n");
    const anywhere = fc.integer({ min: 4, max: whole.length - 1 });
    const property = fc.asyncProperty(anywhere, async (lines) => {
      await writeFile(done.journal, `${whole.slice(0, lines).join("\n")}\n`);
      await rm(join(dirname(done.journal), "checkpoints.jsonl"), { force: true });
      await rm(join(lab.workspace, "out"), { recursive: true, force: true });
      let again = await desk.resume(done);
      for (let n = 0; n < 3 && again.state !== "completed"; n++) {
        again = again.exit === 6 ? await desk.answered(again) : await desk.resume(again);
      }
      expect(again).toMatchObject({ state: "completed", result: "done: out/x" });
      expect((await desk.approvals(again)).filter(({ event }) => event === "used")).toHaveLength(1);
      expect(await desk.replay(again)).toBe("identical");
    });
    await fc.assert(property, { seed, numRuns: runs(2, 40) });
  });

  test.each([
    ["when it has asked", ["check.approval", '"asked"'], 6],
    ["between the answer and going on", ["check.approval", '"approved"'], 0],
    ["between its use and the effect", ["check.approval", '"used"'], 0],
  ] as const)("%s goes on from there", async (_, words, exit) => {
    const first = await lab.run(await blueprint());
    const done = await desk.answered(first);
    await lab.crash(done, ...words);
    await rm(join(lab.workspace, "out"), { recursive: true });
    const again = await desk.resume(done);
    expect(again.exit).toBe(exit);
    expect(existsSync(join(lab.workspace, "out/x"))).toBe(exit === 0);
    expect(await desk.replay(again)).toBe("identical");
  });
});

test("hooks may ask for a person at every phase, and the run goes on from the same place each time", async () => {
  const phases = ["pre-plan", "pre-send", "post-receive", "pre-tool", "post-tool", "state-transition", "spawn"];
  const hook = await scriptedHook(
    `const { step, from } = JSON.parse(payload);
     if (step < 2 && (from === undefined || from === "pending")) host.requestApproval(JSON.stringify({ at: phase }));
     return allow("if a person agrees");`,
    { name: "asker", phases },
  );
  const file = await lab.blueprint({
    turns: [
      { text: "go", calls: [{ id: "ask", tool: "agent.spawn", arguments: { agent: "helper", goal: "help" } }] },
      { text: "helped: ${results.ask.answer}" },
    ],
    child: [{ text: "at your service" }],
    hooks: [hook],
    shipped: { audit: {} },
    chain: { ...Object.fromEntries(phases.map((phase) => [phase, ["asker"]])), audit: ["audit"] },
  });
  const asked: string[] = [];
  let summary = await lab.run(file);
  for (; summary.exit === 6; summary = await desk.answered(summary)) {
    const [pending] = summary.approvals;
    expect(pending?.requests).toEqual([{ hook: "asker", request: { at: pending?.phase } }]);
    asked.push(String(pending?.phase));
  }
  expect(summary).toMatchObject({ state: "completed", exit: 0, result: "helped: at your service" });
  expect(asked).toEqual(["state-transition", "pre-plan", "pre-send", "post-receive", "pre-tool", "spawn", "post-tool"]);
  expect(await desk.replay(summary)).toBe("identical");
  await lab.forget(summary);
  expect(await desk.replay(summary)).toBe("identical-except-sealed");
});

test("a rule that the user's policy gets while a run waits is demanded too: what was answered before does not meet it", async () => {
  const first = await lab.run(await blueprint());
  await desk.answer(first);
  await userDemandsToo();
  const second = await desk.resume(first);
  expect(second).toMatchObject({ exit: 6, approvals: [{ approval: "a2" }] });
  expect(second.approvals[0]?.demands.map(({ by }) => by)).toEqual([
    "blueprint lab@1.0.0: approvals.writes",
    expect.stringContaining("approvals.mine"),
  ]);
  const done = await desk.answered(second);
  expect(done).toMatchObject({ state: "completed", result: "done: out/x" });
  expect((await desk.approvals(done)).at(-1)).toMatchObject({ event: "used", approval: "a2" });
  expect(await desk.replay(done)).toBe("identical");
});

test("a question that nobody has answered is asked anew when more is demanded of the same action", async () => {
  const first = await lab.run(await blueprint());
  await userDemandsToo();
  const second = await desk.resume(first);
  expect(second).toMatchObject({ exit: 6, approvals: [{ approval: "a2" }] });
  expect(second.approvals[0]?.action).toBe(first.approvals[0]?.action);
  expect(second.approvals[0]?.demands).toHaveLength(2);
  expect(await desk.approvals(second)).toEqual([
    expect.objectContaining({ event: "asked", approval: "a1" }),
    expect.objectContaining({ event: "withdrawn", approval: "a1" }),
    expect.objectContaining({ event: "asked", approval: "a2" }),
  ]);
});

async function userDemandsToo(): Promise<void> {
  const folder = join(lab.root, "config/pinion");
  await mkdir(folder, { recursive: true });
  const spec = {
    filesystem: { read: ["**"], write: ["**"] },
    tools: { taxa: ["workspace", "process", "agent"], allow: ["file.write"] },
    approvals: [{ name: "mine", tools: ["file.write"] }],
  };
  const metadata = { name: "user", version: "1.0.0" };
  const policy = { apiVersion: "pinion.dev/v1", kind: "PolicyBundle", metadata, spec };
  await writeFile(join(folder, "policy.yaml"), stringify(policy));
}
