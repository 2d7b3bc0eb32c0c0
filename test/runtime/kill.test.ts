import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { resumeRun } from "../../src/runtime.ts";
import { Lab } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

/** Says that it has begun, and ends when it is told to. */
const WAITS = `
const fs = require("node:fs");
fs.appendFileSync("out/beat", ".");
fs.appendFileSync("out/begun", "x");
const timer = setInterval(() => { fs.appendFileSync("out/beat", "."); if (fs.existsSync("out/go")) { clearInterval(timer); console.log("went"); } }, 10);
setTimeout(() => process.exit(3), 20000);
`;

async function begun(): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!existsSync(join(lab.workspace, "out/begun"))) {
    if (Date.now() > deadline) throw new Error("the process did not begin");
    await pause(10);
  }
}

test("L1 a run that is killed during a tool call keeps every durable entry, and goes on without doing it twice", async () => {
  await lab.file("wait.cjs", WAITS);
  await lab.file("out/.keep", "");
  const file = await lab.blueprint({
    turns: [
      { text: "I wait", calls: [{ id: "wait", tool: "process.run", arguments: { argv: ["node", "wait.cjs"] } }] },
      { text: 'it ended: ${results.wait | default "unknown"}' },
    ],
  });
  const child = lab.command("blueprint", ["run", file, "--goal", "wait", "--workspace", lab.workspace]);
  await begun();
  child.kill("SIGKILL");
  await once(child, "close");

  const [run = ""] = await readdir(join(lab.env.stateDir, "runs"));
  const shown = await lab.finished("harness", ["show", run]);
  expect(shown.stdout + shown.stderr).toContain("incomplete");
  expect(shown.stdout).toContain("process.run");
  const key = join(lab.env.stateDir, "keys", `${run}.key`);
  expect(await lab.replay(join(lab.env.stateDir, "runs", run), { key })).toMatchObject({
    answer: "incomplete",
    exit: 3,
  });

  // Nobody knows whether the process did its work: the run pauses, and a person decides.
  const watching = { signal: new AbortController().signal, onEntry: () => undefined, onNotice: () => undefined };
  const paused = await resumeRun({ run, ...watching }, lab.env);
  expect(paused).toMatchObject({ state: "paused", exit: 4, reason: expect.stringContaining("outcome unknown") });
  const resumed = await resumeRun({ run, ...watching }, lab.env);
  expect(resumed).toMatchObject({ state: "completed", exit: 0, result: expect.stringContaining("outcome-unknown") });
  expect(await readFile(join(lab.workspace, "out/begun"), "utf8")).toBe("x");
  expect(await lab.replay(join(lab.env.stateDir, "runs", run), { key })).toMatchObject({ answer: "identical" });
});

test("Ctrl-C leaves a whole journal that replays, and the process that ran is gone", async () => {
  await lab.file("wait.cjs", WAITS);
  await lab.file("out/.keep", "");
  const file = await lab.blueprint({
    turns: [
      { text: "I wait", calls: [{ id: "wait", tool: "process.run", arguments: { argv: ["node", "wait.cjs"] } }] },
      { text: "never said" },
    ],
  });
  const record = join(lab.root, "cancelled.jsonl");
  const args = ["run", file, "--goal", "wait", "--workspace", lab.workspace, "--record", record, "--json"];
  const child = lab.command("blueprint", args);
  let stdout = "";
  child.stdout?.on("data", (data: Buffer) => {
    stdout += data.toString();
  });
  await begun();
  child.kill("SIGINT");
  const [code] = (await once(child, "close")) as [number];
  expect(code).toBe(130);
  expect(JSON.parse(stdout)).toMatchObject({ state: "terminated", exit: 130 });
  expect(await lab.replay(record)).toMatchObject({ answer: "identical" });
  const beats = await readFile(join(lab.workspace, "out/beat"), "utf8");
  await pause(300);
  expect(await readFile(join(lab.workspace, "out/beat"), "utf8")).toBe(beats);
});
