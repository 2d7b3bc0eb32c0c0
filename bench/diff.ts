/**
 * `pinion run diff` of a workspace of 10,000 files of which a run changed 100: the whole command, from its start to its end, on
 * a pipe; with `--stat`, with `--json`, and `git diff` of the same two trees beside it.
 * `node bench/diff.ts`
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Shell } from "../test/support/cli.ts";
import { LayeredRun } from "../test/support/layered.ts";
import { interleaved, p50, report, say } from "./measure.ts";

const FILES = 10_000;
const CHANGED = 100;
const LINES = 200;
const ROUNDS = 10;
const LIMIT_MS = 1000;

const path = (index: number): string => `d${index % 100}/e${Math.floor(index / 100) % 10}/f${index}.txt`;
const text = (index: number): string =>
  Array.from({ length: LINES }, (_, line) => `line ${line} of file ${index}\n`).join("");
const edited = (index: number): string => text(index).replace(/^line (50|150) .*$/gm, "changed $1");

const shell = new Shell();
const run = await LayeredRun.of(shell, {});
for (let index = 0; index < FILES; index++) run.put(path(index), text(index));
const chosen = Array.from({ length: CHANGED }, (_, index) => index * (FILES / CHANGED));
await run.change(Object.fromEntries(chosen.map((index) => [path(index), edited(index)])));

const repository = join(shell.home, "repository");
mkdirSync(repository);
const git = (...args: readonly string[]) =>
  spawnSync("git", args, {
    cwd: run.workspace,
    env: { ...shell.env, GIT_DIR: repository, GIT_WORK_TREE: run.workspace },
  });

function command(...args: readonly string[]): () => void {
  return () => {
    const { exit, stdout, stderr } = shell.run("pinion", "run", "diff", run.run, ...args);
    if (exit !== 0 || stdout.length < 1000) throw new Error(`the command failed: ${stderr}`);
  };
}

const bare = () => spawnSync(process.execPath, [resolve("bin/pinion.mjs"), "run", "--help"], { env: shell.env });
console.log(
  `node ${process.version}, ${process.arch}; ${FILES} files of ${LINES} lines, ${CHANGED} changed in two places`,
);
const measured = await interleaved(
  [
    { name: "pinion run diff", call: command() },
    { name: "pinion run diff --stat", call: command("--stat") },
    { name: "pinion run diff --json", call: command("--json") },
    { name: "pinion run --help, for the start alone", call: bare },
  ],
  ROUNDS,
  1,
);
for (const one of measured) report(one);

git("init", "-q");
git("add", "-A");
for (const index of chosen) writeFileSync(join(run.workspace, path(index)), edited(index));
const [theirs] = await interleaved(
  [{ name: "git diff of the same, for comparison", call: () => git("diff") }],
  ROUNDS,
  1,
);
if (theirs !== undefined) report(theirs);

const [whole] = measured;
if (whole !== undefined) say(`the whole command, at most ${LIMIT_MS} ms`, `${p50(whole).toFixed(0)} ms`);
for (const folder of [shell.home, shell.cwd]) rmSync(folder, { recursive: true, force: true });
if (whole === undefined || p50(whole) > LIMIT_MS) process.exitCode = 1;
