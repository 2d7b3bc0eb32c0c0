import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, it } from "vitest";
import { Shell } from "../support/cli.ts";

const MINUTE = 60_000;
const shell = new Shell({ TERM: "xterm-256color" });
const hasPty = spawnSync("script", ["--version"]).status === 0;

/** Runs the smallest blueprint on a real terminal (of `script`, util-linux) and returns everything that reached it. */
function onTerminal(variables: Readonly<Record<string, string>>): { status: number | null; screen: string } {
  const file = resolve("blueprints/minimal/blueprint.yaml");
  const command = `'${process.execPath}' '${resolve("bin/blueprint.mjs")}' run '${file}' --goal hello --workspace .`;
  const env = { ...shell.env, ...variables };
  const { status, stdout } = spawnSync("script", ["-qec", command, "/dev/null"], {
    encoding: "utf8",
    env,
    cwd: shell.cwd,
  });
  return { status, screen: stdout };
}

it.runIf(hasPty)("shows a live view on a terminal, and gives the terminal back as it was", { timeout: MINUTE }, () => {
  const { status, screen } = onTerminal({});
  expect(status).toBe(0);
  expect(screen).toContain("\u001b[?25l");
  expect(screen.lastIndexOf("\u001b[?25h")).toBeGreaterThan(screen.lastIndexOf("\u001b[?25l"));
  expect(screen).toContain("\u001b[36m");
  const text = stripVTControlCharacters(screen);
  expect(text).toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] .*\d+\.\d s · \d+ tokens/);
  expect(text.match(/▶ run /g)).toHaveLength(1);
  expect(text).toMatch(/completed: .*\r\n {2}run /);
});

it.runIf(hasPty)("leaves colours away when NO_COLOR is set", { timeout: MINUTE }, () => {
  const { status, screen } = onTerminal({ NO_COLOR: "1" });
  expect(status).toBe(0);
  expect(screen).toContain("▶ run ");
  expect(screen).not.toContain("\u001b[3");
  expect(screen).not.toContain("\u001b[1m");
});

it.runIf(hasPty)("moves nothing on a dumb terminal", { timeout: MINUTE }, () => {
  const { screen } = onTerminal({ TERM: "dumb" });
  expect(screen).toContain("▶ run ");
  expect(screen).not.toContain("\u001b");
});
