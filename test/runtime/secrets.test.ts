import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runBlueprint } from "../../src/runtime.ts";
import { Lab, type LabBlueprint, scriptedHook } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

const TOKEN = `canary-token-${process.pid}+/x`;
const SECRETS = { "deploy-token": { tools: ["process.run"] } };
const USES = { "process.run": [{ name: "deploy-token", as: "environment", variable: "TOKEN", argv: [["node", "*"]] }] };
const SHOW = { id: "show", tool: "process.run", arguments: { argv: ["node", "show.js"] } };

function needing(parts: Partial<LabBlueprint> = {}): LabBlueprint {
  return {
    secrets: SECRETS,
    uses: USES,
    turns: [{ calls: [SHOW] }, { text: "done: ${results.show.stdout}" }],
    ...parts,
  };
}

/** The environment of this lab with secrets in it. */
const having = (values: Readonly<Record<string, string>>) => ({ ...lab.env, env: values });

const run = (file: string, values: Readonly<Record<string, string>>) =>
  runBlueprint(
    { file, goal: `use ${TOKEN}`, workspace: lab.workspace, record: join(lab.root, "out.jsonl"), ...lab.watching },
    having(values),
  );

test("a secret goes to the tool, and nothing of it to the agent, hooks or the journal; replay needs none (X5)", async () => {
  await lab.file("show.js", "console.log(process.env.TOKEN.length, process.env.TOKEN)");
  const watcher = await scriptedHook("allow(JSON.stringify(payload))", { phases: ["pre-tool", "post-tool"] });
  const chain = { "pre-tool": ["scripted"], "post-tool": ["scripted"] };
  const file = await lab.blueprint(needing({ hooks: [watcher], chain }));
  const summary = await run(file, { PINION_SECRET_DEPLOY_TOKEN: TOKEN });
  expect(summary).toMatchObject({ state: "completed", result: `done: ${TOKEN.length} [secret deploy-token]\n` });
  const [before] = lab.rationales("pre-tool");
  expect(before).toContain('"secrets":[{"as":"environment","name":"deploy-token","to":"TOKEN"}]');
  expect(lab.rationales("post-tool")[0]).toContain("[secret deploy-token]");
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});
