import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { type Done, Shell } from "../support/cli.ts";

const BLUEPRINT = resolve("blueprints/reviewer/blueprint.yaml");
const SLOW = 120_000;
const shell = new Shell();
let first: Done;

function workspace(name: string): string {
  cpSync("blueprints/reviewer/sample", join(shell.cwd, name), { recursive: true });
  return name;
}

function reviewer(...more: readonly string[]): string[] {
  return ["run", BLUEPRINT, "--goal", "review the changes", ...more];
}

beforeAll(() => {
  first = shell.run("blueprint", ...reviewer("--workspace", workspace("a"), "--record", "a.jsonl"));
}, SLOW);

it("tells what happens on stderr as it happens", () => {
  expect(first.stderr).toMatch(/^ {2}▶ run \S+$/m);
  expect(first.stderr).toContain("\nstep 1\n");
  expect(first.stderr).toMatch(/→ process\.run argv=\["node","--test"/);
  expect(first.stderr).toMatch(/✓ process\.run allowed by tool-gate \(.+\), budget \(.+\)/);
  expect(first.stderr).toMatch(/✗ process\.run blocked: .*hook `tool-gate`: /);
  expect(first.stderr).toMatch(/✗ file\.read blocked: .*filesystem\.deny\[0\] "secrets\/\*\*"/);
  expect(first.stderr).toMatch(/◆ redact changes the result of file\.read: redacted /);
  expect(first.stderr).toMatch(/⑂ spawns reader 1\.0\.0: /);
  expect(first.stderr).toMatch(/● running → completed: /);
});

it("says on stdout what the run came to", () => {
  expect(first.exit).toBe(0);
  expect(first.stdout).toMatch(/^completed: /);
  expect(first.stdout).toMatch(/ {2}counts {4}8 steps, 3 blocked, 3 redacted, /);
  expect(first.stdout).toContain(join(shell.cwd, "a.jsonl"));
  expect(first.stdout).toMatch(/ {2}changes {3}1 path, not in the workspace yet; /);
  expect(existsSync(join(shell.cwd, "a/REVIEW.md"))).toBe(false);
});

it("X3 in journals, recordings, terminal: the planted credential is not on the terminal", () => {
  const planted = readFileSync("blueprints/reviewer/sample/config/deploy.env", "utf8");
  const secrets = [...planted.matchAll(/=(\S{16,})$/gm)].map((match) => match[1] ?? "");
  expect(secrets.length).toBeGreaterThan(1);
  const shown = shell.run("harness", "show", "a.jsonl", "--all").stdout + first.stdout + first.stderr;
  for (const secret of secrets) {
    const buffer = Buffer.from(secret);
    const forms = [secret, buffer.toString("base64"), buffer.toString("hex"), encodeURIComponent(secret)];
    for (const form of forms) expect(shown).not.toContain(form);
  }
});

it("shows colours to terminals only", () => {
  expect(first.stderr + first.stdout).not.toContain("\u001b");
});

it("shows a recording as it was told when it happened", () => {
  const { exit, stdout } = shell.run("harness", "show", "a.jsonl");
  expect(exit).toBe(0);
  const told = first.stderr.split("\n").filter((line) => line !== "");
  const lines = stdout.split("\n").filter((line) => line !== "");
  expect(lines.slice(0, -1)).toEqual(told.filter((line) => !line.startsWith("  !")));
  expect(lines.at(-1)).toMatch(/^whole: /);
});

it("shows a run by its id, and as JSON", () => {
  const [run = ""] = /\d{8}-\d{6}-[0-9a-f]+/.exec(first.stdout) ?? [];
  const shown = JSON.parse(shell.run("harness", "show", run, "--json").stdout) as { run: string; lines: object[] };
  expect(shown).toMatchObject({ run, state: "whole" });
  expect(shown.lines.length).toBeGreaterThan(20);
  const rows = JSON.parse(shell.run("pinion", "run", "list", "--json").stdout) as { run: string }[];
  expect(rows).toContainEqual(expect.objectContaining({ run, state: "completed", agent: "reviewer@1.0.0", steps: 8 }));
});

it("replays a recording, and says what differs when one byte was edited", { timeout: SLOW }, () => {
  expect(shell.run("harness", "replay", "a.jsonl")).toMatchObject({
    exit: 0,
    stdout: expect.stringMatching(/^identical: /),
  });
  const text = readFileSync(join(shell.cwd, "a.jsonl"), "utf8");
  writeFileSync(join(shell.cwd, "edited.jsonl"), text.replace("reviewer", "revlewer"));
  const edited = shell.run("harness", "replay", "edited.jsonl", "--json");
  expect(edited.exit).toBe(5);
  expect(JSON.parse(edited.stdout)).toMatchObject({ answer: "damaged", exit: 5 });
  writeFileSync(join(shell.cwd, "cut.jsonl"), text);
  truncateSync(join(shell.cwd, "cut.jsonl"), 20_000);
  expect(shell.run("harness", "replay", "cut.jsonl")).toMatchObject({
    exit: 3,
    stdout: expect.stringMatching(/^incomplete: /),
  });
});

it("stops at SIGINT with a whole, replayable journal and exit code 130", { timeout: SLOW }, async () => {
  const args = reviewer("--workspace", workspace("b"), "--record", "b.jsonl");
  let sent = false;
  const done = await shell.start("blueprint", args, (stderr, kill) => {
    if (sent || !stderr.includes("step 2")) return;
    sent = true;
    kill("SIGINT");
  });
  expect(done.stdout).toMatch(/^terminated: /);
  expect(done.exit).toBe(130);
  expect(shell.run("harness", "replay", "b.jsonl")).toMatchObject({ exit: 0 });
});

const bad: readonly [title: string, args: readonly string[], exit: number, stderr: RegExp][] = [
  ["a file that is not there", ["run", "nothing.yaml", "--goal", "g", "--workspace", "a"], 2, /nothing\.yaml/],
  [
    "a file that is not a blueprint",
    ["run", "a/package.json", "--goal", "g", "--workspace", "a"],
    2,
    /package\.json:1:1 /,
  ],
  ["a workspace that does not exist", reviewer("--workspace", "nowhere"), 2, /nowhere/],
  ["a provider without a key", reviewer("--workspace", "a", "--model", "anthropic:x"), 2, /ANTHROPIC_API_KEY/],
  ["a provider that does not exist", reviewer("--workspace", "a", "--model", "nobody:x"), 2, /nobody/],
];

it.each(bad)("says in one error what is wrong with %s, and leaves nothing behind", (_, args, exit, stderr) => {
  const runs = join(shell.home, ".local/state/pinion/runs");
  const before = readdirSync(runs);
  const done = shell.run("blueprint", ...args);
  expect(done.stderr).toMatch(/^error: /);
  expect(done.stderr).toMatch(stderr);
  expect(done.stderr).not.toMatch(/\n\s+at /);
  expect({ exit: done.exit, stdout: done.stdout }).toEqual({ exit, stdout: "" });
  expect(readdirSync(runs)).toEqual(before);
});

it("says an error as JSON when JSON was asked for", () => {
  const { exit, stdout, stderr } = shell.run("blueprint", ...reviewer("--workspace", "nowhere", "--json"));
  expect({ exit, stderr }).toEqual({ exit: 2, stderr: "" });
  expect(JSON.parse(stdout)).toEqual({
    error: {
      code: expect.stringMatching(/^[a-z-]+$/),
      message: expect.stringContaining("nowhere"),
      hint: expect.any(String),
    },
  });
});

it("takes what is no recording for bad input", () => {
  expect(shell.run("harness", "replay", "a/package.json")).toMatchObject({ exit: 2, stdout: "" });
  expect(shell.run("harness", "show", "nothing.jsonl")).toMatchObject({ exit: 2, stdout: "" });
  expect(shell.run("pinion", "run", "resume", "nothing")).toMatchObject({ exit: 2, stdout: "" });
});

it("validates, lists and shows blueprints", () => {
  expect(shell.run("blueprint", "validate", BLUEPRINT)).toMatchObject({
    exit: 0,
    stdout: expect.stringContaining("sha256:"),
  });
  mkdirSync(join(shell.cwd, "broken"));
  writeFileSync(join(shell.cwd, "broken/blueprint.yaml"), "kind: AgentBlueprint\nspec: 1\n");
  const broken = shell.run("blueprint", "validate", "broken/blueprint.yaml", "--json");
  expect(broken.exit).toBe(2);
  expect(JSON.parse(broken.stdout)).toMatchObject({ ok: false, faults: expect.arrayContaining([expect.anything()]) });
  const names = JSON.parse(shell.run("blueprint", "list", "--json").stdout) as { name?: string; kind: string }[];
  expect(names).toContainEqual(expect.objectContaining({ kind: "blueprint", name: "reviewer", version: "1.0.0" }));
  expect(names).toContainEqual(expect.objectContaining({ kind: "broken" }));
  const view = shell.run("blueprint", "show", "reviewer").stdout;
  expect(view).toMatch(/^reviewer@1\.0\.0: /);
  expect(view).toMatch(/pre-tool\s+redact, tool-gate, budget/);
  expect(view).toMatch(/files +overlay\n +read +\*\*\n +write +REVIEW\.md\n +deny +secrets\/\*\*\n/);
  expect(view).toMatch(/confined by +bwrap.*\n +their network +none\n +timeoutMs +120000\n/);
  const editor = shell.run("blueprint", "show", "editor");
  expect(editor.stdout).toMatch(/files +overlay, at most 10000000 bytes, 1000 files\n/);
});
