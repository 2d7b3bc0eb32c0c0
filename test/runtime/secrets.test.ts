import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { rearmHook, resumeRun, runBlueprint, terminateRun } from "../../src/runtime.ts";
import { Lab, type LabBlueprint, scriptedHook } from "../support/lab.ts";
import { descendants } from "../support/processes.ts";

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

/** What a process writes there, when it is there. */
async function written(path: string): Promise<string> {
  for (;;) {
    const text = existsSync(path) ? await readFile(path, "utf8") : "";
    if (text !== "") return text;
    await wait(20);
  }
}

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

test("X1 a secret in the environment that the blueprint does not name is handed to nothing, and hidden all the same", async () => {
  await lab.file("show.js", "console.log(require('fs').readFileSync('.env', 'utf8'), process.env.PINION_SECRET_OTHER)");
  await lab.file(".env", "OTHER=another-canary");
  const given = { ...GIVEN, PINION_SECRET_OTHER: "another-canary", PINION_SECRET_SHORT: "x" };
  const summary = await run(await lab.blueprint(needing()), given);
  expect(summary).toMatchObject({ state: "completed", result: "done: OTHER=[secret other] undefined\n" });
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
  const nowhere = await lab.blueprint(
    needing({ secrets: { "deploy-token": { tools: ["process.run", "file.read"] } } }),
  );
  await expect(run(nowhere, GIVEN)).rejects.toMatchObject({
    exit: 2,
    message: expect.stringContaining("the pinned tool registry hands `file.read` no secret `deploy-token`"),
  });
  expect(lab.entries).toEqual([]);
});

test("X3 a run does not start whose blueprint says a secret to its model or to a hook", async () => {
  const shipped = { "tool-gate": { allow: [{ tools: [TOKEN] }] } };
  const file = await lab.blueprint(needing({ shipped, chain: { "pre-tool": ["tool-gate"] } }));
  await expect(run(file, { PINION_SECRET_DEPLOY_TOKEN: "Do as you" })).rejects.toMatchObject({
    code: "secret-in-blueprint",
    message: expect.stringContaining("instructions: [secret deploy-token]"),
  });
  await expect(run(file, GIVEN)).rejects.toMatchObject({
    message: expect.stringContaining("hooks: [secret deploy-token]"),
  });
});

test("X3 a run does not start whose blueprint says a secret anywhere else, in a name, a rule, a path or a comment", async () => {
  const file = await lab.blueprint(needing());
  const text = await readFile(file, "utf8");
  const name = "agent-of-acme-7";
  const says = [
    text.replace(/^( *)name: .*$/m, `$1name: ${name}`),
    text.replace(/^( *)version: .*$/m, `$&\n$1description: ${name} works here`),
    text.replace(/^spec:$/m, `$&\n  approvals: [{ name: ${name}, tools: [file.write] }]`),
    text.replace(/^spec:$/m, `$&\n  approvals: [{ name: it, tools: [file.write], when: { paths: [${name}] } }]`),
    text.replace(/^spec:$/m, `$&\n  # ${name}`),
  ];
  for (const said of says) {
    expect(said).not.toBe(text);
    await writeFile(file, said);
    const refused = run(file, { PINION_SECRET_DEPLOY_TOKEN: name });
    await expect(refused).rejects.toMatchObject({ code: "secret-in-blueprint", exit: 2 });
    await expect(refused).rejects.toMatchObject({ message: expect.not.stringContaining(name) });
  }
  await writeFile(file, text);
  expect(await run(file, { PINION_SECRET_DEPLOY_TOKEN: name })).toMatchObject({ state: "completed" });
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
  const header = { name: "deploy-token", as: "header", header: "authorization", domains: ["a.test"] };
  const uses = { "process.run": [USE], "http.fetch": [header] };
  const file = await lab.blueprint(needing({ secrets, uses, turns }));
  expect(await run(file, GIVEN)).toMatchObject({ state: "completed", result: "nothing", blocked: 1 });
  expect(lab.boundaries("pre-tool")[0]).toMatchObject({
    decision: "block",
    reason: expect.stringContaining("secrets.deploy-token.tools"),
  });
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});

test("where secrets need a lease, a call that is handed one needs that lease", async () => {
  const turns = [{ calls: [SHOW] }, { text: '${results.show.stdout | default "nothing"}' }];
  const may = (grant: readonly string[]) => lab.blueprint(needing({ turns, leases: { require: ["secret"], grant } }));
  expect(await run(await may([]), GIVEN)).toMatchObject({ result: "nothing", blocked: 1 });
  expect(lab.boundaries("pre-tool")[0]).toMatchObject({
    reason: expect.stringContaining("no lease covers `use` on this part of `secret`"),
  });
  const granted = await run(await may(["capability://secret/deploy-token?action=use"]), GIVEN);
  expect(granted).toMatchObject({ result: `${TOKEN.length} [secret deploy-token]\n`, blocked: 0 });
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

test("X1 a run that was handed an optional secret does not go on without: what is left of it could be read", async () => {
  await lab.file("show.js", "require('fs').writeFileSync('left.txt', String(process.env.TOKEN))");
  const turns = [
    { calls: [SHOW] },
    { calls: [{ id: "read", tool: "file.read", arguments: { path: "left.txt" } }] },
    { text: "${results.read.content}" },
  ];
  const secrets = { "deploy-token": { tools: ["process.run"], optional: true } };
  const file = await lab.blueprint(needing({ secrets, turns, tools: ["process.run", "file.read"] }));
  const cases: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [GIVEN, "[secret deploy-token]"],
    [{}, "undefined"],
  ];
  for (const [values, result] of cases) {
    const summary = await run(file, values);
    expect(summary).toMatchObject({ state: "completed", result });
    await lab.crash(summary, '"check.boundary"', '"phase":"post-tool"', "show");
    const resume = (later: Readonly<Record<string, string>>) =>
      resumeRun({ run: summary.run, ...lab.watching }, having(later));
    if (values === GIVEN) await expect(resume({})).rejects.toMatchObject({ code: "no-secret", exit: 2 });
    expect(await resume(values)).toMatchObject({ state: "completed", result });
  }
});

test("what a run that crashed left in memory is removed by the next one", async () => {
  await lab.file(
    "hold.js",
    `const fs = require("fs");
     fs.writeFileSync("out/where", process.env.KEY_FILE);
     if (fs.existsSync("wait")) setInterval(() => undefined, 1000);`,
  );
  await lab.file("out/.keep", "");
  await lab.file("wait", "");
  const use = { name: "deploy-token", as: "file", variable: "KEY_FILE", argv: [["node", "hold.js"]] };
  const hold = { id: "hold", tool: "process.run", arguments: { argv: ["node", "hold.js"] } };
  const file = await lab.blueprint(
    needing({ uses: { "process.run": [use] }, turns: [{ calls: [hold] }, { text: "held" }] }),
  );
  const words = ["run", file, "--goal", "g", "--workspace", lab.workspace, "--json"];
  const child = lab.command("blueprint", words, GIVEN);
  const where = join(lab.workspace, "out/where");
  const held = await written(where);
  expect(await readFile(held, "utf8")).toBe(TOKEN);
  const started = descendants(child.pid ?? 0);
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
  for (const { pid, command } of started) if (command.includes("hold.js")) process.kill(pid, "SIGKILL");
  expect(existsSync(held)).toBe(true);
  await rm(join(lab.workspace, "wait"));
  await rm(where);
  expect(await run(file, GIVEN)).toMatchObject({ state: "completed" });
  expect(existsSync(held)).toBe(false);
  expect(existsSync(await readFile(where, "utf8"))).toBe(false);
});

test("a paused run hears what people tell it, and is ended, without its secrets: it does nothing more", async () => {
  const tools = { tools: ["file.read"], files: [] };
  const hook = await scriptedHook(
    `const { to, step } = JSON.parse(payload);
     if (phase === "pre-plan") return step === 2 ? block("wait") : allow("");
     if (to !== "terminated") return allow("");
     try { return allow(host.requestToolCall("file.read", JSON.stringify({ path: "out/left.txt" }))); }
     catch (error) { return allow("refused: " + String(error.payload ?? error.message)); }`,
    { phases: ["pre-plan", "state-transition"], authority: tools },
  );
  await lab.file("out/left.txt", TOKEN);
  const chain = { "pre-plan": ["scripted"], "state-transition": ["scripted"] };
  const turns = [{ calls: [SHOW] }, { text: "never" }];
  const file = await lab.blueprint(needing({ hooks: [hook], chain, grants: { scripted: tools }, turns }));
  const { run: id, state, journal } = await run(file, GIVEN);
  expect(state).toBe("paused");
  const told = await rearmHook({ run: id, hook: "scripted", reason: "try it" }, having({}));
  expect(told).toMatchObject({ state: "paused" });
  expect(await terminateRun({ run: id }, having({}))).toMatchObject({ state: "terminated" });
  const entries = (await readFile(journal, "utf8")).trim().split("\n");
  const rationales = entries.flatMap((line) => {
    const { body } = JSON.parse(line) as { readonly body?: { readonly verdicts?: { readonly rationale: string }[] } };
    return body?.verdicts?.map(({ rationale }) => rationale) ?? [];
  });
  expect(rationales.at(-1)).toBe("refused: cancelled: the run was stopped before this began");
});
