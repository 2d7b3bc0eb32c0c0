import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { Shell } from "../../support/cli.ts";
import { LayeredRun } from "../../support/layered.ts";
import { runs, seed } from "../../support/property.ts";
import { readFiles } from "./trees.ts";

const STRIKE = ["--import", pathToFileURL(resolve("test/cli/changes/strike.mjs")).href];
const MINUTES = 600_000;

const shell = new Shell();
const BEFORE = { a: "1\n", b: "b\n", "d/old": "old\n", "d/x.bin": new Uint8Array([0, 1]), turns: "file\n" };
const PATHS = ["a", "b", "d/old", "d/x.bin", "n", "n/m", "n/m/new"];
let run: LayeredRun;
let before: Readonly<Record<string, string>>;
let after: Readonly<Record<string, string>>;
let calls: number;

/** `pinion run commit` in a process of Node that is struck by a signal or an error. */
function struck(at: number, signal: NodeJS.Signals | "ENOSPC" | "EIO" | "EACCES", ...args: readonly string[]) {
  const done = spawnSync(process.execPath, [...STRIKE, resolve("bin/pinion.mjs"), "run", "commit", run.run, ...args], {
    encoding: "utf8",
    env: { ...shell.env, STRIKE_AT: String(at), STRIKE_WITH: signal },
    cwd: shell.cwd,
  });
  return { exit: done.status, signal: done.signal, stdout: done.stdout, stderr: done.stderr };
}

/** Puts workspace and run back to before the commit. */
function again(): void {
  for (const folder of [run.workspace, run.folder]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true });
    cpSync(`${folder}.before`, folder, { recursive: true, preserveTimestamps: true });
  }
}

beforeAll(async () => {
  run = await LayeredRun.of(shell, BEFORE);
  await run.change({ a: "2\n", "d/old": null, "d/x.bin": new Uint8Array([0, 9]), "n/m/new": "new\n", b: null });
  for (const folder of [run.workspace, run.folder]) {
    renameSync(folder, `${folder}.before`);
    cpSync(`${folder}.before`, folder, { recursive: true, preserveTimestamps: true });
  }
  before = readFiles(run.workspace);
  const whole = struck(0, "SIGKILL");
  expect(whole).toMatchObject({ exit: 0, stdout: expect.stringContaining("changes applied") });
  calls = Number(/calls: (\d+)/.exec(whole.stderr)?.[1]);
  after = readFiles(run.workspace);
});

test("H12 a crash in the middle of a commit: each path is as before or after, and the next commit ends it", {
  timeout: MINUTES,
}, () => {
  expect(calls).toBeGreaterThan(20);
  const strike = (at: number): void => {
    again();
    expect(struck(at, "SIGKILL").signal, `at call ${at}`).toBe("SIGKILL");
    const found = readFiles(run.workspace);
    for (const path of new Set([...Object.keys(before), ...Object.keys(after)])) {
      expect([before[path], after[path]], `${path} at call ${at}`).toContain(found[path]);
    }
    const next = shell.run("pinion", "run", "commit", run.run);
    expect(next, `after call ${at}`).toMatchObject({ exit: 0, stderr: "" });
    expect(readFiles(run.workspace), `after call ${at}`).toEqual(after);
    const left = JSON.parse(shell.run("pinion", "run", "diff", run.run, "--json").stdout) as {
      changes: object[];
      history: { applied: string[] }[];
    };
    expect(left.changes).toEqual([]);
    const applied = left.history.flatMap((decision) => decision.applied);
    expect(applied.sort(), `after call ${at}`).toEqual(expect.arrayContaining(PATHS));
    expect(readdirSync(run.workspace, { recursive: true }).filter((name) => String(name).includes(".pinion"))).toEqual(
      [],
    );
  };
  if (process.env.PINION_SOAK === "1") for (let at = 1; at <= calls; at++) strike(at);
  else fc.assert(fc.property(fc.integer({ min: 1, max: calls }), strike), { seed, numRuns: runs(8, 8) });
});

test("L7 disk full in the middle of a commit: it says so, and the next commit ends it", { timeout: MINUTES }, () => {
  const strike = (at: number, code: "ENOSPC" | "EIO" | "EACCES"): void => {
    again();
    const failed = struck(at, code);
    expect([0, 1, 2, 4], `${code} at call ${at}: ${failed.stderr}`).toContain(failed.exit);
    expect(failed.stderr, `${code} at call ${at}`).not.toMatch(/in a way that it should not|\n\s+at /);
    if (failed.exit === 0) expect(readFiles(run.workspace), `${code} at call ${at}`).toEqual(after);
    expect(shell.run("pinion", "run", "commit", run.run), `after ${code} at call ${at}`).toMatchObject({ exit: 0 });
    expect(readFiles(run.workspace), `after ${code} at call ${at}`).toEqual(after);
  };
  const code = fc.constantFrom("ENOSPC", "EIO", "EACCES");
  if (process.env.PINION_SOAK === "1") for (let at = 1; at <= calls; at++) strike(at, "ENOSPC");
  else fc.assert(fc.property(fc.integer({ min: 1, max: calls }), code, strike), { seed, numRuns: runs(8, 8) });
});

test("Ctrl-C lets a commit that has begun come to its end, tells it, and gives exit code 130", {
  timeout: MINUTES,
}, () => {
  for (const at of [2, Math.floor(calls / 2)]) {
    again();
    const done = struck(at, "SIGINT");
    expect(done).toMatchObject({ exit: 130, stderr: expect.stringContaining("stopping after what is under way") });
    const left = JSON.parse(shell.run("pinion", "run", "diff", run.run, "--json").stdout) as {
      changes: object[];
      history: { outcome: string }[];
    };
    if (left.history.length === 0) expect(readFiles(run.workspace)).toEqual(before);
    else {
      expect(done.stdout).toMatch(/changes applied/);
      expect(readFiles(run.workspace)).toEqual(after);
      expect(left).toMatchObject({ changes: [], history: [{ outcome: "done" }] });
    }
    expect(readdirSync(run.folder).filter((name) => name.startsWith("writer-"))).toEqual([]);
  }
});

const hasPty = spawnSync("script", ["--version"]).status === 0;

/** Answers at the question, and not before: until then the terminal is not the command's. */
async function ask(answer: string) {
  again();
  const command = `'${process.execPath}' '${resolve("bin/pinion.mjs")}' run discard ${run.run}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    env: { ...shell.env, TERM: "dumb" },
    cwd: shell.cwd,
  });
  let screen = "";
  let asked = false;
  child.stdout.on("data", (chunk) => {
    screen += String(chunk);
    if (asked || !screen.includes("[y/N]")) return;
    asked = true;
    child.stdin.write(answer);
  });
  const [status] = await once(child, "close");
  const left = JSON.parse(shell.run("pinion", "run", "diff", run.run, "--json").stdout) as { changes: object[] };
  return { status, screen: stripVTControlCharacters(screen), left: left.changes.length };
}

test.runIf(hasPty)("discard asks at a terminal, and forgets on `y` only", { timeout: MINUTES }, async () => {
  const no = await ask("n\n");
  expect(no).toMatchObject({
    status: 0,
    screen: expect.stringMatching(/for good\? \[y\/N\][\s\S]*nothing was forgotten/),
  });
  expect(no.left).toBeGreaterThan(0);
  expect(await ask("\n")).toMatchObject({ status: 0, left: no.left });
  expect(await ask("\u0004")).toMatchObject({ status: 0, left: no.left });
  expect(await ask("\u0003")).toMatchObject({ status: 130, left: no.left });
  expect(await ask("y\n")).toMatchObject({ status: 0, screen: expect.stringContaining("forgotten"), left: 0 });
});
