import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

const home = mkdtempSync(join(tmpdir(), "pinion-home-"));

function run(bin: string, ...args: string[]): { exit: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`bin/${bin}.mjs`, ...args], {
    encoding: "utf8",
    env: { HOME: home, PATH: process.env.PATH },
  });
  return { exit: status, stdout, stderr };
}

it.each(["blueprint", "harness", "hook", "pinion"])("%s says what it can do", (bin) => {
  const { exit, stdout, stderr } = run(bin, "--help");
  expect(exit).toBe(0);
  expect(stdout).toMatch(new RegExp(`^Usage: ${bin} `));
  expect(stderr).toBe("");
});

it.each(["blueprint", "harness", "hook", "pinion"])("%s says its version", (bin) => {
  expect(run(bin, "--version")).toEqual({ exit: 0, stdout: "0.1.0\n", stderr: "" });
});

it("takes a command line that it does not understand for bad usage, exit code 2", () => {
  expect(run("blueprint", "bogus")).toEqual({
    exit: 2,
    stdout: "",
    stderr: "error: unknown command `bogus`\n  see `blueprint --help`\n",
  });
  expect(run("blueprint", "run", "x.yaml")).toMatchObject({ exit: 2, stdout: "" });
  expect(run("pinion", "run", "rearm", "a", "b").stderr).toContain("see `pinion run rearm --help`");
  expect(run("harness", "replay", "a", "b").exit).toBe(2);
});

it("says bad usage as JSON when JSON was asked for", () => {
  const { exit, stdout, stderr } = run("blueprint", "run", "--json", "x.yaml");
  expect(exit).toBe(2);
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({
    error: {
      code: "usage",
      message: "required option `--goal <text>` not specified",
      hint: "see `blueprint run --help`",
    },
  });
});

it("the doctor says what this machine offers", () => {
  const { exit, stdout } = run("pinion", "doctor", "--json");
  const answer = JSON.parse(stdout) as { ok: boolean; checks: { name: string; ok: boolean; found: string }[] };
  expect(exit).toBe(answer.ok ? 0 : 1);
  expect(answer.checks.map((check) => check.name)).toEqual([
    "platform",
    "node",
    "bwrap",
    "processes: system calls",
    "processes: overlay",
    "processes: network",
    "processes: groups",
    "hook host: permissions",
    "hook host: environment",
    "hook host: wasm caps",
    "hook host: parent's death",
    "hook host: privileges",
    "hook host: limits",
    "hook host: namespaces",
    "keyring",
    "policies",
    "data directory",
    "state directory",
    "cache directory",
    "secrets",
  ]);
  expect(answer.checks.find((check) => check.name === "processes: overlay")?.found).toMatch(/^mounted|^copied .*: ./);
  expect(answer.checks.find((check) => check.name === "state directory")?.found).toBe(
    join(home, ".local/state/pinion"),
  );
});
