import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { RunJournal } from "../../src/journal/journal.ts";
import { readRunKey, runKeyFile } from "../../src/journal/keys.ts";
import { createJournal, type LiveOptions, replayJournal, resumeJournal } from "../../src/journal/open.ts";
import { openRecording } from "../../src/journal/recording.ts";
import { journalFile } from "../../src/journal/store.ts";
import type { Journal, Receipt } from "../../src/model/entry.ts";
import type { Json, JsonObject } from "../../src/model/json.ts";

/** A folder that is gone after the test. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "pinion-journal-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const RUN = "r1";
export const HEADER = {
  kernel: "1",
  run: RUN,
  blueprint: `sha256:${"0".repeat(64)}`,
  pins: [],
  limits: {},
  node: "26.10.0",
};

/** Places and real parts for one run. The clock advances 10 ms a look. */
export function workshop(root = temporary(), overrides: Partial<LiveOptions> = {}) {
  let time = 1_800_000_000_000;
  const folder = join(root, "runs", RUN);
  const keys = join(root, "keys");
  const options: LiveOptions = {
    folder,
    keys,
    clock: () => {
      time += 10;
      return time;
    },
    random: (bytes) => randomBytes(bytes),
    cancel: new AbortController().signal,
    ...overrides,
  };
  const file = journalFile(folder);
  return {
    root,
    folder,
    keys,
    file,
    key: () => readRunKey(runKeyFile(keys, RUN)),
    create: (header: JsonObject = {}) => createJournal({ ...options, header: { ...HEADER, ...header } }),
    resume: () => resumeJournal(options),
    replay: (path = folder) => replayJournal(openRecording(path), readRunKey(runKeyFile(keys, RUN))),
    lines: () => readFileSync(file, "utf8").split("\n").slice(0, -1),
    overwrite: (lines: readonly string[]) => writeFileSync(file, lines.map((line) => `${line}\n`).join("")),
  };
}

export const ok = (value: Json) => ({ kind: "ok", value });

/** A check of a boundary as the kernel writes them. */
export function boundary(journal: Journal, phase: string, verdict: JsonObject = {}): Receipt {
  return journal.check("check.boundary", {
    phase,
    payload: journal.commitment(phase),
    verdicts: [
      { hook: "redact", decision: "transform", rationale: "one secret" },
      { hook: "tool-gate", decision: "allow", rationale: "is on the list", ...verdict },
    ],
  });
}

/** What a run does to the world; each call says what was done. */
export type World = (what: string) => Promise<Json>;

/** A small run: every kind of move that a kernel makes. Deterministic but for what `world` answers. */
export async function story(journal: Journal, world: World, steps = 2): Promise<string[]> {
  const told: string[] = [];
  const tell = (value: unknown) => told.push(JSON.stringify(value));
  tell(await journal.input({ kind: "input.start", ref: {}, request: null, perform: () => world("start") }));
  tell(journal.check("check.hooks", { hooks: ["redact", "tool-gate"] }));
  for (let step = 1; step <= steps; step++) {
    tell(journal.poll());
    const receipt = boundary(journal, "pre-send");
    const effect = { receipt, clear: { step }, idempotent: true };
    const model = { kind: "input.model", ref: { step }, request: { messages: [`question ${step}`] } } as const;
    tell(await journal.input({ ...model, effect, perform: () => world(`model ${step}`) }));
    const reads = ["a", "b"].map((name) => ({
      kind: "input.resolve" as const,
      ref: { step, name },
      request: { path: name },
      perform: () => world(`resolve ${step} ${name}`),
    }));
    tell(await journal.inputs(reads));
    const let_ = await journal.faultable({ step, batch: 0 }, async () => boundary(journal, "pre-tool"));
    const tool = { kind: "input.tool", ref: { step, call: "c1" }, request: { tool: "file.write", step } } as const;
    const unsafe = { receipt: let_, clear: { tool: "file.write" }, idempotent: false };
    tell(await journal.input({ ...tool, effect: unsafe, perform: () => world(`tool ${step}`) }));
    tell(journal.now());
    await journal.durable();
  }
  journal.check("check.state", { from: "running", to: "completed" });
  tell(journal.check("check.end", { steps }));
  await journal.durable();
  return told;
}

/** Runs the story live; what it told. */
export async function live(bench: ReturnType<typeof workshop>, world: World, steps?: number): Promise<string[]> {
  const journal: RunJournal = await bench.create();
  const told = await story(journal, world, steps);
  await journal.close();
  return told;
}
