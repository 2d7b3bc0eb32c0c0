import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { Lab } from "../support/lab.ts";

const page = readFileSync("docs/runs.md", "utf8");
const tour = page.slice(page.indexOf("## A tour"), page.indexOf("## Commands"));
const lines = [...tour.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = ""]) => block.trimEnd().split("\n"));

it("docs/runs.md: a run is killed, resumed, looked at and decided on, command by command", async () => {
  const lab = await Lab.open();
  const bins = mkdtempSync(join(tmpdir(), "pinion-bins-"));
  for (const bin of ["blueprint", "harness", "pinion"]) symlinkSync(resolve(`bin/${bin}.mjs`), join(bins, bin));
  symlinkSync("/usr/bin/env", join(bins, "npx"));
  const env = { ...lab.variables, PATH: [bins, dirname(process.execPath), process.env.PATH].join(delimiter) };
  const guide = join(lab.root, "guide");
  const names = new Map([["/tmp/guide", guide]]);
  const said: string[] = [];
  const bash = (line: string) => {
    const [, command = "", code = "0"] = /^(.+?)(?: +#(?: exit code (\d))?.*)?$/.exec(line) ?? [];
    const text = [...names].reduce((before, [name, value]) => before.replaceAll(name, value), command);
    const { status, stdout, stderr } = spawnSync("bash", ["-c", text], { env, encoding: "utf8" });
    said.push(stdout);
    expect({ text, status, stderr: status === Number(code) ? "" : stderr }).toEqual({
      text,
      status: Number(code),
      stderr: "",
    });
    return stdout;
  };

  const [copy = "", start = "", ...rest] = lines;
  bash(copy);
  const terminal = spawn("bash", ["-c", `exec ${start.replace("npx ", "").replace("/tmp/guide", guide)}`], { env });
  terminal.stdout.resume();
  terminal.stderr.resume();
  const gone = once(terminal, "close");
  const { run, process: pid } = await underWay(() => spawnSync("npx", ["pinion", "run", "list", "--json"], { env }));
  names.set("<run>", run).set("<process>", String(pid));
  for (const line of rest) {
    bash(line);
    if (line.startsWith("kill")) await gone;
  }

  const text = said.join("");
  for (const words of ["running", "interrupted", "outcome unknown", "notes/fees-old.md", "identical", "anchored"]) {
    expect(text).toContain(words);
  }
  expect(readFileSync(join(guide, "notes/fees-old.md"), "utf8")).toContain("last year");
  await lab.close();
}, 120_000);

/** The run, once it checks the links. */
async function underWay(list: () => { readonly stdout: Buffer }) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(50)) {
    const [row] = JSON.parse(list().stdout.toString() || "[]");
    if (row?.steps === 3 && row.state === "running") return row as { run: string; process: number };
  }
  throw new Error("the run did not come to its third step");
}
