import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { resumeRun, runBlueprint } from "../../src/runtime.ts";
import { Lab, type LabBlueprint, scriptedHook } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("show.js", "console.log(process.env.TOKEN?.length, process.env.TOKEN)");
});
afterEach(() => lab.close());

const TOKEN = `canary-token-${process.pid}+/x`;
const GIVEN = { PINION_SECRET_DEPLOY_TOKEN: TOKEN };
const SHOW = { id: "show", tool: "process.run", arguments: { argv: ["node", "show.js"] } };
const USE = { name: "deploy-token", as: "environment", variable: "TOKEN", argv: [["node", "*"]] };

function needing(parts: Partial<LabBlueprint> = {}): LabBlueprint {
  return {
    secrets: { "deploy-token": { tools: ["process.run"] } },
    uses: { "process.run": [USE] },
    turns: [{ calls: [SHOW] }, { text: "done: ${results.show.stdout}" }],
    ...parts,
  };
}

const having = (values: Readonly<Record<string, string>>) => ({ ...lab.env, env: values });

function run(file: string, values: Readonly<Record<string, string>>, goal = "use it") {
  lab.entries.length = 0;
  const record = join(lab.root, "out.jsonl");
  return runBlueprint({ file, goal, workspace: lab.workspace, record, ...lab.watching }, having(values));
}

test("X5 a secret goes to the tool; agent, hooks and journal see its name; a replay needs none", async () => {
  const code =
    "const { resolution, result } = JSON.parse(payload); return allow(JSON.stringify(resolution ?? result));";
  const watcher = await scriptedHook(code, { phases: ["pre-tool", "post-tool"] });
  const chain = { "pre-tool": ["scripted"], "post-tool": ["scripted"] };
  const file = await lab.blueprint(needing({ hooks: [watcher], chain }));
  const summary = await run(file, GIVEN, `use ${TOKEN}`);
  expect(summary).toMatchObject({ state: "completed", result: `done: ${TOKEN.length} [secret deploy-token]\n` });
  expect(JSON.parse(lab.rationales("pre-tool")[0] ?? "")).toMatchObject({
    secrets: [{ name: "deploy-token", as: "environment", to: "TOKEN" }],
  });
  expect(lab.rationales("post-tool")[0]).toContain("[secret deploy-token]");
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
  await rm(lab.workspace, { recursive: true });
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});

test("a hook that reads a file finds no secret in it, also where its range cuts one", async () => {
  await lab.file("out/left.txt", `0123456789 ${TOKEN} 0123456789`);
  const code = `
    const root = files.openRoot("out");
    const text = (offset, length) => String.fromCharCode(...files.read(root, "left.txt", offset, length));
    return allow(JSON.stringify([text(0, 100), text(9, 5), text(20, 4)]));`;
  const authority = { tools: [], files: [{ name: "out", path: "out", actions: ["read"] }] };
  const reader = await scriptedHook(code, { phases: ["pre-plan"], authority });
  const parts = { hooks: [reader], chain: { "pre-plan": ["scripted"] }, grants: { scripted: authority } };
  expect(await run(await lab.blueprint(needing(parts)), GIVEN)).toMatchObject({ state: "completed" });
  // It asked for so many bytes and gets no more.
  expect(JSON.parse(lab.rationales("pre-plan")[0] ?? "")).toEqual([
    "0123456789 [secret deploy-token] 0123456789",
    "9 [se",
    "[sec",
  ]);
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});

test("a run does not start without a secret that it needs, and says where that could be", async () => {
  const file = await lab.blueprint(needing());
  await expect(run(file, {})).rejects.toMatchObject({
    code: "no-secret",
    exit: 2,
    message: expect.stringMatching(/`deploy-token`.*`PINION_SECRET_DEPLOY_TOKEN`.*config\/pinion\/secrets`/),
  });
  await expect(run(file, { PINION_SECRET_DEPLOY_TOKEN: "short" })).rejects.toMatchObject({ code: "bad-secret" });
  expect(lab.entries).toEqual([]);
});

test("an optional secret that is not there is not handed over, and the tool runs", async () => {
  const secrets = { "deploy-token": { tools: ["process.run"], optional: true } };
  const file = await lab.blueprint(needing({ secrets }));
  expect(await run(file, {})).toMatchObject({ state: "completed", result: "done: undefined undefined\n" });
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});

test("a call that the blueprint gives the secret of to another tool is denied, also on replay", async () => {
  const secrets = { "deploy-token": { tools: ["http.fetch"] } };
  const turns = [{ calls: [SHOW] }, { text: '${results.show.stdout | default "nothing"}' }];
  const file = await lab.blueprint(needing({ secrets, turns }));
  expect(await run(file, GIVEN)).toMatchObject({ state: "completed", result: "nothing", blocked: 1 });
  expect(lab.boundaries("pre-tool")[0]).toMatchObject({
    decision: "block",
    reason: expect.stringContaining("secrets.deploy-token.tools"),
  });
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});

test("a child has what its parent has, and the results of both tell nothing", async () => {
  const child = [
    { calls: [{ id: "r", tool: "file.read", arguments: { path: "out/left.txt" } }] },
    { text: "${results.r.content}" },
  ];
  const turns = [
    { calls: [{ id: "ask", tool: "agent.spawn", arguments: { agent: "helper", goal: `look at ${TOKEN}` } }] },
    { text: "${results.ask.answer}" },
  ];
  await lab.file("out/left.txt", Buffer.from(TOKEN).toString("hex"));
  const summary = await run(await lab.blueprint(needing({ child, turns })), GIVEN);
  expect(summary).toMatchObject({ state: "completed", result: "[secret deploy-token]" });
  const recorded = await readFile(join(lab.root, "out.child-1.jsonl"), "utf8");
  expect(recorded).not.toContain("canary");
  expect(await lab.replay(join(lab.root, "out.child-1.jsonl"))).toMatchObject({ answer: "identical" });
});

test("a run that was cut off goes on with the secrets, and does not without", async () => {
  const again = { id: "again", tool: "process.run", arguments: { argv: ["node", "show.js"] } };
  const turns = [{ calls: [SHOW] }, { calls: [again] }, { text: "${results.show.stdout}${results.again.stdout}" }];
  const file = await lab.blueprint(needing({ turns }));
  const summary = await run(file, GIVEN);
  await lab.crash(summary, '"check.boundary"', '"phase":"post-tool"', "show");
  const resume = (values: Readonly<Record<string, string>>) =>
    resumeRun({ run: summary.run, ...lab.watching }, having(values));
  await expect(resume({})).rejects.toMatchObject({ code: "no-secret", exit: 2 });
  const line = `${TOKEN.length} [secret deploy-token]\n`;
  expect(await resume(GIVEN)).toMatchObject({ state: "completed", result: line + line });
});
