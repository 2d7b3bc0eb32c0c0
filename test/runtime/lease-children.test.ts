import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import { leasesIn, type RunSummary } from "../../src/runtime.ts";
import { go, holding, prepareHolds, runJson, runsOf, startHeld, type Under } from "../support/held.ts";
import { Lab, type LabBlueprint } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "a");
  await lab.file("app/a.txt", "in app");
  await prepareHolds(lab);
});
afterEach(() => lab.close());

const FILES = "capability://fs/workspace";
const read = (id: string, path: string) => ({ id, tool: "file.read", arguments: { path } });
const spawn = (...leases: readonly string[]) => ({
  id: "ask",
  tool: "agent.spawn",
  arguments: { agent: "helper", goal: "help", leases },
});
const calling = (...calls: readonly JsonObject[]) => calls.map((call) => ({ text: "go", calls: [call] }));

/** What the script of a child answers of its reads. */
const told = (...ids: readonly string[]) => ids.map((id) => `\${results.${id}.content | default "denied"}`).join(" / ");

const folderOf = (run: string) => join(lab.env.stateDir, "runs", run);

async function expectReplays(run: string): Promise<void> {
  const key = join(lab.env.stateDir, "keys", `${run}.key`);
  expect(await lab.replay(folderOf(run), { key })).toMatchObject({ answer: "identical" });
}

async function expectAllReplay({ run, children }: RunSummary): Promise<void> {
  for (const one of [run, ...children]) await expectReplays(one);
}

/** The last text of the parent, into which the child's answer goes. */
const ENDING = { text: 'told: ${results.ask.answer | default "no child"}' };

describe("what a parent hands to its child", () => {
  test("is the child's, and the parent's no more", async () => {
    const file = await lab.blueprint({
      leases: { require: ["fs"], grant: [`${FILES}/**?action=read&uses=3`] },
      turns: [
        ...calling(spawn(`${FILES}/app/**?action=read&uses=2`), read("one", "a.txt"), read("two", "a.txt")),
        { text: `told: \${results.ask.answer} ; ${told("one", "two")}` },
      ],
      child: [
        ...calling(read("x", "app/a.txt"), read("out", "a.txt"), read("y", "app/a.txt"), read("z", "app/a.txt")),
        { text: told("x", "out", "y", "z") },
      ],
    });
    const summary = await lab.run(file);
    expect(summary.result).toBe("told: in app / denied / in app / denied ; a / denied");
    const [child = ""] = summary.children;
    expect(leasesIn(folderOf(summary.run)).leases).toMatchObject([
      { lease: "lease-1", holder: "agent", used: 1, left: { uses: 0 }, parent: null },
      { lease: "lease-2", holder: "child:ask", used: 0, left: { uses: 2 }, parent: "lease-1" },
    ]);
    expect(leasesIn(folderOf(child))).toMatchObject({
      leases: [{ lease: "lease-1", from: `${summary.run}/lease-2`, used: 2, left: { uses: 0 } }],
      refused: 2,
    });
    await expectAllReplay(summary);
  });

  test("ends with the clock that its parent had, and is one deeper than what it came from", async () => {
    const file = await lab.blueprint({
      leases: { require: ["fs"], grant: [`${FILES}/**?action=read&expires=60000`] },
      turns: [...calling(spawn(`${FILES}/app/**?action=read`)), ENDING],
      child: [{ text: "helped" }],
    });
    const { run, children } = await lab.run(file);
    const [lease] = leasesIn(folderOf(run)).leases;
    const [header = ""] = (await readFile(join(folderOf(children[0] ?? ""), "journal.jsonl"), "utf8")).split("\n");
    const { delegated } = JSON.parse(header);
    expect(delegated).toMatchObject([{ lease: "lease-2", until: lease?.until, depth: 1 }]);
    expect(delegated[0].until).toBeGreaterThan(0);
  });

  test.each([
    ["path", `${FILES}/**?action=read&uses=1&expires=1000`, "its path goes beyond"],
    ["neighbouring path", `${FILES}/app-backup/**?action=read&uses=1&expires=1000`, "its path goes beyond"],
    ["action", `${FILES}/app/**?action=read,write&uses=1&expires=1000`, "the action `write`"],
    ["count", `${FILES}/app/**?action=read&uses=4&expires=1000`, "`uses` is 4, at most 3"],
    ["time", `${FILES}/app/**?action=read&uses=1&expires=60001`, "`expires` is 60001, at most 60000"],
    ["resource", "capability://process/**?uses=1", "the resource `process`"],
  ])("C1 a child that is to have more than its parent has, in %s, is not started", async (_, wanted, why) => {
    const file = await lab.blueprint({
      leases: { require: ["fs"], grant: [`${FILES}/app/**?action=read&uses=3&expires=60000`] },
      turns: [...calling(spawn(wanted)), ENDING],
      child: [{ text: "helped" }],
    });
    const summary = await lab.run(file);
    expect(summary).toMatchObject({ children: [], blocked: 1, result: "told: no child" });
    expect(lab.boundaries("pre-tool")).toMatchObject([{ decision: "block", reason: expect.stringContaining(why) }]);
    await expectAllReplay(summary);
  });

  test("C1 what is asked for twice over is more than there is", async () => {
    const file = await lab.blueprint({
      leases: { require: ["fs"], grant: [`${FILES}/**?action=read&uses=3`] },
      turns: [...calling(spawn(`${FILES}/**?action=read&uses=2`, `${FILES}/**?action=read&uses=2`)), ENDING],
      child: [{ text: "helped" }],
    });
    expect(await lab.run(file)).toMatchObject({ children: [], result: "told: no child" });
  });

  test("C1 is all that a child has of what its parent needs leases for: no grant of its own adds to it", async () => {
    const file = await lab.blueprint({
      leases: { require: ["fs"], grant: [`${FILES}/**?action=read&uses=3`] },
      turns: [...calling({ ...spawn(), arguments: { agent: "helper", goal: "help" } }), ENDING],
      child: [...calling(read("x", "a.txt")), { text: told("x") }],
      childLeases: { grant: [`${FILES}/**?action=read`] },
    });
    const summary = await lab.run(file);
    expect(summary.result).toBe("told: denied");
    expect(leasesIn(folderOf(summary.children[0] ?? ""))).toMatchObject({ leases: [], refused: 2 });
    await expectAllReplay(summary);
  });
});

const SHARED = `${FILES}/**?action=read,write`;
const FAMILY: LabBlueprint = {
  leases: { require: ["fs"], grant: [SHARED] },
  turns: [...calling(spawn(SHARED), read("mine", "a.txt")), { text: `told: \${results.ask.answer} ; ${told("mine")}` }],
  child: [holding("a"), ...calling(read("x", "a.txt")), { text: `\${results.a.stdout | default "not"} ${told("x")}` }],
  childTools: ["process.run", "file.read"],
};

/** A parent whose child is held in its tool call. */
async function family(): Promise<{ readonly parent: string; readonly child: string; readonly command: Under }> {
  const { command } = await startHeld(lab, await lab.blueprint(FAMILY), "a");
  const said = await Promise.all((await runsOf(lab)).map((run) => runJson(lab, "status", run)));
  const found = said.map((one) => one.said).find(({ parent }) => parent !== null);
  return { parent: String(found?.parent), child: String(found?.run), command };
}

async function capability(
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly said: JsonObject }> {
  const { code, stdout, stderr } = await lab.finished("pinion", ["capability", ...args, "--json"]);
  expect(stderr).toBe("");
  return { code, said: JSON.parse(stdout) as JsonObject };
}

const REVOKED = "told: went a\n denied ; denied";

test("C3 a lease that is revoked in the middle of a child's call is revoked in the child at its next boundary", async () => {
  const { parent, child, command } = await family();
  expect(await capability("revoke", parent, "lease-1", "--reason", "too much", "--no-wait")).toMatchObject({
    code: 0,
    said: { run: parent, lease: "lease-1", reason: "too much", done: false },
  });
  await go(lab, "a");
  const { stdout } = await command.done;
  expect(stdout).toContain("denied ; denied");
  expect(await capability("list", child)).toMatchObject({
    said: { leases: [{ lease: "lease-1", state: "revoked", reason: "too much" }] },
  });
  expect(await capability("tree", parent)).toMatchObject({
    said: { leases: [{ state: "revoked" }, { state: "revoked", holder: "child:ask" }] },
  });
  await expectReplays(parent);
  await expectReplays(child);
});

test("C3 a lease that is revoked while a family rests is revoked in the child when it goes on", async () => {
  const { parent, child, command } = await family();
  await runJson(lab, "pause", parent, "--no-wait");
  await go(lab, "a");
  await runJson(lab, "pause", parent);
  await command.done;
  expect(await capability("revoke", parent, "lease-1", "--reason", "too much")).toMatchObject({
    code: 0,
    said: { state: "paused", done: true, process: null },
  });
  expect(await capability("list", child)).toMatchObject({ said: { leases: [{ state: "live" }] } });
  expect(await runJson(lab, "resume", parent)).toMatchObject({
    code: 0,
    said: { state: "completed", result: REVOKED },
  });
  expect(await capability("list", child)).toMatchObject({
    said: { leases: [{ state: "revoked", reason: "too much" }] },
  });
  await expectReplays(parent);
  await expectReplays(child);
});

test("what a run held has ended with it", async () => {
  const file = await lab.blueprint({ leases: { grant: [SHARED] }, turns: [{ text: "done" }] });
  const { run } = await lab.run(file);
  const refused = await lab.finished("pinion", ["capability", "revoke", run, "lease-1", "--reason", "late"]);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("has ended already: it is `completed`") });
  const { stdout } = await lab.finished("pinion", ["capability", "tree", run]);
  expect(stdout).toBe(`lease-1  ${SHARED}  (live; held by agent, from blueprint lab@1.0.0; left: everything)\n`);
});

test("nobody revokes what is not there", async () => {
  const summary = await lab.run(await lab.blueprint({ turns: [{ text: "done" }] }));
  const refused = await lab.finished("pinion", ["capability", "revoke", summary.run, "lease-1", "--reason", "why not"]);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("has no lease `lease-1`; it has none") });
  expect(await lab.finished("pinion", ["capability", "list", join(lab.root, "out.jsonl")])).toMatchObject({
    code: 0,
    stdout: `run ${summary.run} has no leases\n`,
  });
});
