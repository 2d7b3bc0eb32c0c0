import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Follower, watchFolder } from "../../src/journal/follow.ts";
import { glanceAt } from "../../src/journal/glance.ts";
import { openRecording } from "../../src/journal/recording.ts";
import { runs, seed } from "../support/property.ts";
import { workshop } from "./workshop.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pinion-follow-"));
  file = join(folder, "journal.jsonl");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The bytes of a journal with all that both ends are read for, decoys among it, and more than one look from the end reaches. */
async function story(): Promise<Buffer> {
  const bench = workshop();
  const journal = await bench.create();
  await journal.input({ kind: "input.start", ref: {}, request: null, perform: async () => "go" });
  for (let step = 1; step <= 4; step++) {
    journal.check("check.boundary", { step, phase: "state-transition", decision: "allow" });
    journal.check("check.state", { to: step % 2 === 0 ? "paused" : "running", reason: `at ${step}` });
    const decoy = { kind: "check.state", to: "failed", body: '"kind":"check.state"', "check.boundary": "kind" };
    journal.check("check.hooks", { decoy, more: "x".repeat(step * 30_000) });
  }
  journal.check("check.end", { state: "completed" });
  await journal.close();
  return readFile(bench.file);
}

async function seqsOf(follower: Follower): Promise<number[]> {
  const seqs: number[] = [];
  for await (const { entry } of follower.entries()) seqs.push(entry.seq);
  return seqs;
}

test("a property: cut into any pieces, every entry is told once and in order, as soon as its line is whole", async () => {
  const bytes = await story();
  const header = bytes.indexOf(10) + 1;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: header, max: bytes.length }), { maxLength: 12 }), async (cuts) => {
      const ends = [header, ...cuts.sort((a, b) => a - b), bytes.length];
      await writeFile(file, bytes.subarray(0, header));
      const follower = new Follower(folder);
      try {
        const told: number[] = [];
        for (const [i, end] of ends.entries()) {
          await appendFile(file, bytes.subarray(ends[i - 1] ?? header, end));
          told.push(...(await seqsOf(follower)));
          expect(told).toHaveLength(bytes.subarray(header, end).filter((byte) => byte === 10).length);
        }
        expect(told).toEqual([...told.keys()]);
        expect(follower.ended).toBe(true);
      } finally {
        follower.close();
      }
    }),
    { seed, numRuns: runs(30, 1000) },
  );
});

test("a torn line that is cut off and written anew is told as it is in the end", async () => {
  const bytes = await story();
  const lines = bytes.toString().split("\n");
  const whole = Buffer.byteLength(lines.slice(0, 3).join("\n")) + 1;
  await writeFile(file, Buffer.concat([bytes.subarray(0, whole), Buffer.from('{"at":1,"body":{"half')]));
  const follower = new Follower(folder);
  expect(await seqsOf(follower)).toEqual([0, 1]);
  await truncate(file, whole);
  await appendFile(file, bytes.subarray(whole));
  expect(await seqsOf(follower)).toEqual([...lines.keys()].slice(2, -2));
  follower.close();
});

test("L4 a line that does not follow, and a file that lost entries, are damage", async () => {
  const bytes = await story();
  const lines = bytes.toString().split("\n");
  await writeFile(file, `${lines.slice(0, 3).join("\n")}\n`);
  const follower = new Follower(folder);
  expect(await seqsOf(follower)).toEqual([0, 1]);
  await appendFile(file, `${lines[4]}\n`);
  await expect(seqsOf(follower)).rejects.toMatchObject({ code: "damaged" });
  await truncate(file, 10);
  await expect(seqsOf(follower)).rejects.toMatchObject({ code: "damaged" });
  follower.close();
});

test("a change wakes who waits, and nothing that came before the wait is missed", async () => {
  await writeFile(file, "x");
  const watch = watchFolder(folder);
  try {
    await watch.changed(60_000); // the first look is due at once
    const waiting = watch.changed(60_000);
    await appendFile(file, "y");
    await waiting;
    await watch.changed(1);
    const stop = new AbortController();
    const long = watch.changed(60_000, stop.signal);
    stop.abort();
    await long;
  } finally {
    watch.close();
  }
});

test("both ends of a journal say what all of it says, at every length", async () => {
  const bytes = await story();
  const lines = bytes.toString().trimEnd().split("\n");
  for (let count = 1; count <= lines.length; count++) {
    await writeFile(file, `${lines.slice(0, count).join("\n")}\n{"torn`);
    const recording = openRecording(folder);
    const entries = [...recording.entries()].map(({ entry }) => entry);
    recording.close();
    const change = entries.findLast(({ kind }) => kind === "check.state")?.body;
    expect(glanceAt(folder)).toMatchObject({
      state: change?.to ?? "pending",
      reason: change?.reason ?? "",
      step: entries.findLast(({ kind }) => kind === "check.boundary")?.body.step ?? 0,
      startedAt: entries.find(({ at }) => at !== undefined)?.at ?? null,
      header: { run: "r1" },
    });
  }
  await writeFile(file, (lines[0] ?? "").slice(0, 20));
  expect(glanceAt(folder)).toBeUndefined();
  await writeFile(file, `${lines.slice(0, -1).join("\n")}\nnot an entry\n`);
  expect(() => glanceAt(folder)).toThrow(/damaged/);
  expect((await readFile(file)).length).toBeGreaterThan(0);
});
