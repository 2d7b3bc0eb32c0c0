import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import { openRecording } from "../../src/journal/recording.ts";
import { isJsonObject, type JsonObject } from "../../src/model/json.ts";
import { verifyJournal } from "../../src/runtime.ts";
import type { Random } from "../sandbox/meter/random.ts";
import { type Lab, scriptedHook } from "./lab.ts";
import { descendants } from "./processes.ts";

/** Steps of a run, each with an effect that must not happen twice and one that may. */
const STEPS = 4;
/** What a run is killed at most; then it is left alone. */
const KILLS = 8;
const NOTHING_YET = ["no-such-run", "not-a-recording", "no-run-key", "bad-key", "not-started"];
/** Appends a line to a file outside of the workspace, with time to be killed before and after. */
const APPEND = 'sleep 0.02\nprintf "%s\\n" "$1" >> "$2"\nsleep 0.02\n';

type Victim = "pinion" | "hook host" | "tool";

/** One session of a command, to its end. */
interface Session {
  readonly killed: Victim | undefined;
  /** What it said, unless it was killed. */
  readonly said: JsonObject | undefined;
  readonly ms: number;
}

/** Runs that are killed at random points and resumed until they end, through the command line. */
export class KillDriver {
  readonly #lab: Lab;
  readonly #random: Random;
  readonly #file: string;
  /** How long a session takes that nobody disturbs, in ms: kills are spread over it. */
  #whole = 1500;
  #number = 0;
  /** What was killed how often. */
  readonly victims: Record<Victim, number> = { pinion: 0, "hook host": 0, tool: 0 };

  private constructor(lab: Lab, random: Random, file: string) {
    this.#lab = lab;
    this.#random = random;
    this.#file = file;
  }

  static async prepare(lab: Lab, random: Random): Promise<KillDriver> {
    await lab.file("append.sh", APPEND);
    await lab.file("out/.keep", "");
    const gate = await scriptedHook(`return allow("seen");`, { name: "gate", phases: ["pre-tool", "post-tool"] });
    const file = await lab.blueprint({
      hooks: [gate],
      chain: { "pre-tool": ["gate"], "post-tool": ["gate"] },
      execution: { process: { allow: [["sh", "*", "*", "*"]] } },
      turns: [
        {
          repeat: STEPS,
          text: "go on",
          calls: [
            {
              id: "append",
              tool: "process.run",
              arguments: { argv: ["sh", "append.sh", "${goal} ${step}", join(lab.root, "counter")] },
            },
            {
              id: "put",
              tool: "file.write",
              arguments: { path: "out/${goal}-${step}.txt", content: "step ${step} of ${goal}" },
            },
          ],
        },
        { text: "done" },
      ],
    });
    return new KillDriver(lab, random, file);
  }

  get kills(): number {
    return Object.values(this.victims).reduce((sum, count) => sum + count, 0);
  }

  /** One run from its start to its end; then everything that it did is looked at. */
  async run(): Promise<void> {
    this.#number += 1;
    const goal = `run${this.#number}`;
    let run: string | undefined;
    let kept = "";
    for (let kills = 0; ; ) {
      const before = new Set(this.#runs());
      const session =
        run === undefined
          ? await this.#session(
              "blueprint",
              ["run", this.#file, "--goal", goal, "--workspace", this.#lab.workspace],
              kills,
            )
          : await this.#session("pinion", ["run", "resume", run], kills);
      if (session.killed !== undefined) kills += 1;
      run ??= this.#runs().find((name) => !before.has(name));
      if (run !== undefined) kept = this.#keeps(run, kept);
      if (session.said === undefined) continue;
      const { state, error, reason } = session.said;
      const code = (error as JsonObject | undefined)?.code;
      // Killed behind its last entry; at most the checkpoint of the end is missing.
      if (code === "run-ended" && run !== undefined) return this.#settle(run, goal);
      // The hook host was killed while the past was replayed: nothing was written, and the run can be resumed again.
      if (code === "replay-interrupted") continue;
      if (run === undefined || error !== undefined) {
        run = this.#forget(goal, run, error as JsonObject);
        kept = "";
        continue;
      }
      if (state === "completed") return this.#settle(run, goal);
      expect(state, String(reason)).toBe("paused");
      await this.#rearm(run);
    }
  }

  /** Starts a command and, if it is to be killed, kills it or something of it at a random moment. */
  async #session(bin: "blueprint" | "pinion", args: readonly string[], kills: number): Promise<Session> {
    const began = performance.now();
    const child = this.#lab.command(bin, [...args, "--json"]);
    let stdout = "";
    child.stdout?.on("data", (data: Buffer) => {
      stdout += data.toString();
    });
    child.stderr?.resume();
    const closed = once(child, "close");
    let killed: Victim | undefined;
    if (kills < KILLS) {
      const fraction = this.#random.bits() / 2 ** 32;
      // Most of the work is done late; a process that starts or reads its past is killed, too.
      const moment = this.#whole * (this.#random.chance(80) ? 0.3 + 0.7 * fraction : fraction);
      await Promise.race([closed, pause(moment)]);
      if (child.exitCode === null && child.pid !== undefined) killed = this.#kill(child.pid);
    }
    const [, signal] = (await closed) as [number | null, NodeJS.Signals | null];
    const ms = performance.now() - began;
    if (killed === undefined) this.#whole = (this.#whole + ms) / 2;
    return { killed, ms, said: signal === "SIGKILL" ? undefined : (JSON.parse(stdout) as JsonObject) };
  }

  #kill(pid: number): Victim {
    const all = descendants(pid);
    const roll = this.#random.below(100);
    const host = all.find(({ command }) => command.includes("--permission"));
    const tool = all.find(({ command }) => command.includes("append.sh"));
    const [victim, target]: [Victim, number] =
      roll < 20 && host ? ["hook host", host.pid] : roll < 50 && tool ? ["tool", tool.pid] : ["pinion", pid];
    try {
      process.kill(target, "SIGKILL");
    } catch (error) {
      // It has ended in the meantime.
      expect(error).toMatchObject({ code: "ESRCH" });
    }
    this.victims[victim] += 1;
    return victim;
  }

  /** A hook that failed stays failed until a person re-arms it; here, every time. */
  async #rearm(run: string): Promise<void> {
    const { stdout } = await this.#lab.finished("pinion", ["run", "rearm", run, "gate", "--reason", "again", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ run, hook: "gate" });
  }

  /** Killed before anything of it was on disk: then nothing has happened either. */
  #forget(goal: string, run: string | undefined, error: JsonObject): undefined {
    expect(NOTHING_YET, String(error.message)).toContain(error.code);
    expect(this.#appended(goal)).toEqual([]);
    if (run !== undefined) rmSync(join(this.#lab.env.stateDir, "runs", run), { recursive: true });
    return undefined;
  }

  /** What was on disk when a process was killed stays as it was; the whole lines that are there now. */
  #keeps(run: string, kept: string): string {
    const file = join(this.#lab.env.stateDir, "runs", run, "journal.jsonl");
    const text = existsSync(file) ? readFileSync(file, "latin1") : "";
    expect(text.startsWith(kept)).toBe(true);
    return text.slice(0, text.lastIndexOf("\n") + 1);
  }

  async #settle(run: string, goal: string): Promise<void> {
    const folder = join(this.#lab.env.stateDir, "runs", run);
    const verified = await verifyJournal({ target: run, checkpoints: [], keys: [] }, this.#lab.env);
    expect(verified).toMatchObject({ state: "whole", findings: [], exit: 0 });
    const key = join(this.#lab.env.stateDir, "keys", `${run}.key`);
    expect(await this.#lab.replay(folder, { key })).toMatchObject({ answer: "identical" });
    const results = resultsOf(folder);
    const appended = this.#appended(goal);
    for (let step = 1; step <= STEPS; step += 1) {
      const times = appended.filter((line) => line === `${goal} ${step}`).length;
      const told = results.get(`append-${step}`);
      expect(times, `appending in step ${step}, of which the journal says ${told}`).toBeLessThanOrEqual(1);
      if (told === "ok") expect(times, `appending in step ${step}`).toBe(1);
      if (told === undefined) expect(times, `appending in step ${step}, which was refused`).toBe(0);
      const file = join(this.#lab.workspace, "out", `${goal}-${step}.txt`);
      if (results.get(`put-${step}`) === "ok") expect(readFileSync(file, "utf8")).toBe(`step ${step} of ${goal}`);
      if (results.get(`put-${step}`) === undefined) expect(existsSync(file)).toBe(false);
    }
  }

  #appended(goal: string): readonly string[] {
    const file = join(this.#lab.root, "counter");
    const lines = existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
    return lines.filter((line) => line.startsWith(`${goal} `));
  }

  #runs(): readonly string[] {
    const folder = join(this.#lab.env.stateDir, "runs");
    return existsSync(folder) ? readdirSync(folder) : [];
  }
}

/** What the journal says of each call that was let through: `ok`, or the code of what came instead. */
function resultsOf(folder: string): ReadonlyMap<string, string> {
  const recording = openRecording(folder);
  const results = new Map<string, string>();
  for (const { entry } of recording.entries()) {
    const { phase, payload } = entry.body;
    if (entry.kind === "check.intent" && entry.body.kind === "input.tool") {
      results.set(String((entry.body.ref as JsonObject).call), "intended");
    }
    if (entry.kind !== "check.boundary" || phase !== "post-tool" || !isJsonObject(payload)) continue;
    const call = payload.call as JsonObject;
    const result = payload.result as JsonObject;
    const value = result.value as JsonObject | undefined;
    const failed = value !== undefined && "exitCode" in value && value.exitCode !== 0;
    results.set(String(call.id), result.ok !== true ? String(result.code) : failed ? "killed" : "ok");
  }
  recording.close();
  return results;
}
