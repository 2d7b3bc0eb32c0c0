import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { replayRecording, verifyRecordings } from "../../harness/index.ts";
import { readRunKey } from "../../src/journal/keys.ts";
import { PinionError } from "../../src/model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../src/model/json.ts";
import type { RunSummary } from "../../src/runtime.ts";
import { forge, type Open } from "../support/forger.ts";
import { Lab, scriptedHook } from "../support/lab.ts";
import { CHILD, TURNS } from "../support/phases.ts";
import { runs, seed } from "../support/property.ts";

let lab: Lab;
let summary: RunSummary;
let key: Uint8Array;
let count = 0;

beforeAll(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "secret of a");
  const phases = ["pre-tool", "post-receive", "spawn"];
  const gate = await scriptedHook('return allow("seen");', { name: "gate", phases });
  const chain = { "post-receive": ["gate"], "pre-tool": ["gate"], spawn: ["gate"] };
  summary = await lab.run(await lab.blueprint({ hooks: [gate], chain, turns: TURNS, child: CHILD }));
  expect(summary).toMatchObject({ state: "completed" });
  key = readRunKey(join(lab.env.stateDir, "keys", `${summary.run}.key`)) ?? new Uint8Array();
  count = (await readFile(join(lab.root, "out.jsonl"), "utf8")).trimEnd().split("\n").length - 2;
});
afterAll(() => lab.close());

type Path = readonly (string | number)[];

/** Every value of an entry that is not an object or a list of some, by its path. */
function leaves(json: Json, path: Path = []): readonly Path[] {
  if (Array.isArray(json))
    return json.length === 0 ? [path] : json.flatMap((one: Json, i) => leaves(one, [...path, i]));
  if (!isJsonObject(json)) return [path];
  const members = Object.entries(json);
  return members.length === 0 ? [path] : members.flatMap(([name, value]) => leaves(value, [...path, name]));
}

function changedAt(json: Json, [first, ...rest]: Path, how: number): Json {
  if (first === undefined) return another(json, how);
  if (Array.isArray(json)) return json.map((one: Json, i) => (i === first ? changedAt(one, rest, how) : one));
  if (!isJsonObject(json)) return json;
  return { ...json, [first]: changedAt(json[first] ?? null, rest, how) };
}

function another(value: Json, how: number): Json {
  if (typeof value === "number") return how % 2 === 0 ? value + 1 : 0 - value - 1;
  if (typeof value === "boolean") return !value;
  if (typeof value === "string") return how % 2 === 0 ? `${value}x` : value.slice(1);
  return value === null ? 0 : { more: how };
}

/** What could be told differently. What started the run is for nobody to check: the folder and the seed are as they are said to be. */
function changeable({ kind, body, content }: Open): JsonObject {
  return { body, ...(content === undefined || kind === "input.start" ? {} : { content: content as unknown as Json }) };
}

test("D12 a forged recording: whatever single value of an entry is changed by who holds the run's key, verify or a replay finds it", async () => {
  const unnoticed = fc.asyncProperty(fc.nat(), fc.nat(), fc.nat(), async (entry, leaf, how) => {
    const file = join(lab.root, "mutant.jsonl");
    await copyFile(join(lab.root, "out.jsonl"), file);
    let change = "";
    await forge(file, { key, run: summary.run }, (one, seq) => {
      if (seq !== entry % count) return [one];
      const open = changeable(one);
      const paths = leaves(open);
      const path = paths[leaf % paths.length] ?? [];
      change = `seq ${seq} ${one.kind} ${path.join("/")}`;
      return [{ ...one, ...(changedAt(open, path, how) as unknown as Partial<Open>) }];
    });
    expect(await outcome(file), change).not.toBe("nothing found");
  });
  await fc.assert(unnoticed, { seed, numRuns: runs(8, 3000) });
});

/** Which of the two finds something; verify is asked first, since it costs less. */
async function outcome(file: string): Promise<string> {
  try {
    if ((await verifyRecordings([file], {}, lab.env)).exit !== 0) return "verify";
    const { answer } = await replayRecording(file, {}, lab.env);
    return answer.startsWith("identical") ? "nothing found" : "replay";
  } catch (error) {
    if (error instanceof PinionError) return "refused";
    throw error;
  }
}
