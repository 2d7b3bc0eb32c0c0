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
import type { Json, JsonObject } from "../../src/model/json.ts";
import { story, type World } from "./story.ts";

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

/** Places and real parts for one run. The clock advances 10 ms a look, monotonic time 7 ms. */
export function workshop(root = temporary(), overrides: Partial<LiveOptions> = {}) {
  let time = 1_800_000_000_000;
  let passed = 0;
  const folder = join(root, "runs", RUN);
  const keys = join(root, "keys");
  const options: LiveOptions = {
    folder,
    keys,
    clock: () => {
      time += 10;
      return time;
    },
    monotonic: () => {
      passed += 7;
      return passed;
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

/** Runs the story live; what it told. */
export async function live(bench: ReturnType<typeof workshop>, world: World, steps?: number): Promise<string[]> {
  const journal: RunJournal = await bench.create();
  const told = await story(journal, world, steps);
  await journal.close();
  return told;
}
