import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Lab } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

const MINUTE = 60_000;
const hasPty = spawnSync("script", ["--version"]).status === 0;
const write = (id: string, path: string) => ({
  id,
  tool: "file.write",
  arguments: { path, content: "one\ntwo", createDirectories: true },
});

/** Starts a run that writes, off a terminal; what its summary says. */
async function started(rule: object, calls = [write("w", "out/x")]) {
  const file = await lab.blueprint({
    turns: [{ text: "go", calls }, { text: "done" }],
    approvals: [{ name: "writes", tools: ["file.write"], ...rule }],
  });
  const args = ["run", file, "--goal", "try", "--workspace", lab.workspace];
  const { code, stdout } = await lab.finished("blueprint", [...args, "--json"]);
  return { code, summary: JSON.parse(stdout) };
}

async function pinion(...args: readonly string[]) {
  return lab.finished("pinion", ["run", ...args]);
}

test("A11 off a terminal a run that needs an approval exits with 6 and says what to type; typed, it goes on", {
  timeout: MINUTE,
}, async () => {
  const { code, summary } = await started({});
  expect(code).toBe(6);
  expect(summary).toMatchObject({ state: "paused", exit: 6, approvals: [{ approval: "a1", subject: "w file.write" }] });
  const { run } = summary;

  const list = await pinion("approvals");
  expect(list.code).toBe(0);
  expect(list.stdout).toContain("1 waits: blueprint lab@1.0.0: approvals.writes");
  expect(list.stdout).toContain('path: "out/x"');
  expect(list.stdout).toContain("│ one\n");
  expect(list.stdout).toContain(`pinion run approve ${run} a1`);
  expect(JSON.parse((await pinion("approvals", "--json")).stdout)).toMatchObject([
    { run, approval: "a1", expired: false },
  ]);
  expect((await pinion("status", run)).stdout).toContain(`a1 of run ${run}: w file.write`);

  const again = await pinion("resume", run);
  expect(again).toMatchObject({ code: 6, stdout: expect.stringContaining(`approve   pinion run approve ${run} a1`) });
  const answered = await pinion("approve", run, "a1", "--json");
  expect(answered).toMatchObject({ code: 0 });
  expect(JSON.parse(answered.stdout)).toEqual({ run, approval: "a1", event: "approved" });
  expect(existsSync(join(lab.workspace, "out/x"))).toBe(false);
  expect(await pinion("resume", run)).toMatchObject({ code: 0 });
  expect(existsSync(join(lab.workspace, "out/x"))).toBe(true);
  expect(await pinion("approve", run, "a1")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("(it is used)"),
  });
  expect((await pinion("approvals")).stderr).toContain("nothing waits for an approval");
});

test("a denial takes its reason, and goes on at once where that is asked for", { timeout: MINUTE }, async () => {
  const { summary } = await started({});
  expect(await pinion("deny", summary.run, "a1")).toMatchObject({ code: 2 });
  const done = await pinion("deny", summary.run, "a1", "--reason", "not today", "--resume", "--json");
  expect(done.code).toBe(0);
  expect(JSON.parse(done.stdout)).toMatchObject({ state: "completed", blocked: 1 });
  expect(done.stderr).toContain("file.write");
  const logs = await pinion("logs", summary.run);
  expect(logs.stdout).toContain("approval a1 denied");
  expect(logs.stdout).toContain("not today");
});

test("A7 a pattern is shown expanded, and approved only when that is confirmed", { timeout: MINUTE }, async () => {
  await lab.file("out/there", "is already");
  const { summary } = await started({ scopes: ["pattern"] }, [write("w", "out/x"), write("v", "out/y")]);
  const { run } = summary;
  expect(await pinion("approve", run, "a1", "--scope", "pattern")).toMatchObject({ code: 2 });
  const shown = await pinion("approve", run, "a1", "--scope", "pattern", "--pattern", "out/*");
  expect(shown).toMatchObject({ code: 2, stderr: expect.stringContaining("  out/there\n") });
  expect(shown.stderr).toContain("1 existing files of the workspace are covered now");
  const wider = await pinion("approve", run, "a1", "--scope", "pattern", "--pattern", "../**", "--yes");
  expect(wider).toMatchObject({ code: 2, stderr: expect.stringContaining("cannot be approved") });
  const done = await pinion("approve", run, "a1", "--scope", "pattern", "--pattern", "out/*", "--yes", "--resume");
  expect(done.code).toBe(0);
  expect(existsSync(join(lab.workspace, "out/y"))).toBe(true);
});

test("A9 where a rule names a key, an answer is signed with its file", { timeout: MINUTE }, async () => {
  const typed = (bin: string, ...args: readonly string[]) =>
    spawnSync(process.execPath, [resolve(`bin/${bin}.mjs`), ...args, "--passphrase-fd", "0"], {
      input: "open sesame\n",
      encoding: "utf8",
      cwd: lab.root,
      env: lab.variables,
    });
  const made = typed("hook", "keygen", "carol", "--dir", "keys", "--json");
  const { key, file } = JSON.parse(made.stdout);
  const { summary } = await started({ approvers: { keys: [key] } });
  const unsigned = await pinion("approve", summary.run, "a1");
  expect(unsigned).toMatchObject({ code: 4, stderr: expect.stringContaining("signed by one of its keys") });
  const signed = typed("pinion", "run", "approve", summary.run, "a1", "--key", file, "--resume");
  expect(signed).toMatchObject({ status: 0 });
  expect(existsSync(join(lab.workspace, "out/x"))).toBe(true);
});

test.runIf(hasPty)(
  "A8 on a terminal a person is asked at once, and the run goes on in the same process",
  {
    timeout: MINUTE,
  },
  async () => {
    const { code, screen } = await onTerminal({});
    expect(code).toBe(0);
    expect(screen).toContain("action: file.write (call w)");
    expect(screen).toContain("│ one");
    expect(existsSync(join(lab.workspace, "out/x"))).toBe(true);
  },
);

test.runIf(hasPty)(
  "A9 nobody is asked on a terminal where the answer is another's to give",
  { timeout: MINUTE },
  async () => {
    const { code, screen } = await onTerminal({ approvers: { users: ["somebody-else"] } });
    expect(code).toBe(6);
    expect(screen).toContain("pinion run approve");
    expect(screen).not.toContain("y approve");
    expect(existsSync(join(lab.workspace, "out/x"))).toBe(false);
  },
);

/** Runs on a terminal of `script` (util-linux) and says yes until the run is over: keys that come before a question is read do not count. */
async function onTerminal(rule: object): Promise<{ readonly code: number | null; readonly screen: string }> {
  const file = await lab.blueprint({
    turns: [{ text: "go", calls: [write("w", "out/x")] }, { text: "done" }],
    approvals: [{ name: "writes", tools: ["file.write"], ...rule }],
  });
  const words = [
    process.execPath,
    resolve("bin/blueprint.mjs"),
    "run",
    file,
    "--goal",
    "try",
    "--workspace",
    lab.workspace,
  ];
  const child = spawn("script", ["-qec", words.map((word) => `'${word}'`).join(" "), "/dev/null"], {
    cwd: lab.root,
    env: { ...lab.variables, TERM: "xterm-256color" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let screen = "";
  child.stdout.on("data", (data) => {
    screen += String(data);
  });
  const yes = setInterval(() => child.stdin.write("y"), 1500);
  try {
    const [code] = (await once(child, "close")) as [number | null];
    return { code, screen: stripVTControlCharacters(screen) };
  } finally {
    clearInterval(yes);
  }
}
