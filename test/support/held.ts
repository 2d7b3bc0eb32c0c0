import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { JsonObject } from "../../src/model/json.ts";
import type { Lab } from "./lab.ts";

/** Says that it has begun, and ends when it is told to go on. */
const hold = (name: string): string => `
const fs = require("node:fs");
const name = "${name}";
fs.appendFileSync("out/begun-" + name, "x");
const timer = setInterval(() => { if (!fs.existsSync("out")) process.exit(4); if (fs.existsSync("out/go-" + name)) { console.log("went " + name); process.exit(0); } }, 10);
setTimeout(() => process.exit(3), 60000);
`;

/** Puts what the calls of `holding` need into the workspace of a lab. */
export async function prepareHolds(lab: Lab): Promise<void> {
  for (const name of ["a", "b", "c"]) await lab.file(`hold-${name}.cjs`, hold(name));
  await lab.file("out/.keep", "");
}

/** A turn of the script whose tool call waits until the test says `go(name)`. */
export function holding(name: "a" | "b" | "c", text = "I wait"): JsonObject {
  return { text, calls: [{ id: name, tool: "process.run", arguments: { argv: ["node", `hold-${name}.cjs`] } }] };
}

export async function untilBegun(lab: Lab, name: string): Promise<void> {
  await until(`the call ${name} has begun`, () => existsSync(join(lab.workspace, `out/begun-${name}`)));
}

export async function go(lab: Lab, name: string): Promise<void> {
  await writeFile(join(lab.workspace, `out/go-${name}`), "");
}

/** Waits for something that another process does. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it never came to this: ${what}`);
    await pause(10);
  }
}

/** What a command came to. */
export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that is under way, with what it has written so far. */
export class Under {
  readonly process: ChildProcess;
  readonly done: Promise<Finished>;
  stdout = "";
  stderr = "";

  constructor(child: ChildProcess) {
    this.process = child;
    child.stdout?.on("data", (data: Buffer) => {
      this.stdout += data.toString();
    });
    child.stderr?.on("data", (data: Buffer) => {
      this.stderr += data.toString();
    });
    this.done = once(child, "close").then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error("it did not start");
    return this.process.pid;
  }
}

/** Starts a run in a process of its own and waits until its call `name` is held there. */
export async function startHeld(
  lab: Lab,
  file: string,
  name: string,
): Promise<{ readonly run: string; readonly command: Under }> {
  const before = new Set(await runsOf(lab));
  const command = new Under(lab.command("blueprint", ["run", file, "--goal", "wait", "--workspace", lab.workspace]));
  const ended = command.done.then(({ stderr }) => {
    throw new Error(`the run ended before it came to its call: ${stderr}`);
  });
  await Promise.race([untilBegun(lab, name), ended]);
  ended.catch(() => undefined); // it may end now
  const [run] = (await runsOf(lab)).filter((found) => !before.has(found));
  if (run === undefined) throw new Error("there is no run");
  return { run, command };
}

/** The ids of the runs of a lab, the oldest first. */
export async function runsOf(lab: Lab): Promise<readonly string[]> {
  return (await readdir(join(lab.env.stateDir, "runs")).catch(() => [])).filter((name) => !name.startsWith(".")).sort();
}

/** `pinion run …` to its end, its JSON read. */
export async function runJson(
  lab: Lab,
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly said: JsonObject; readonly stderr: string }> {
  const { code, stdout, stderr } = await lab.finished("pinion", ["run", ...args, "--json"]);
  return { code, stderr, said: JSON.parse(stdout) as JsonObject };
}
