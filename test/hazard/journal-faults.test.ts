import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Checkpointing } from "../../src/journal/checkpoint.ts";
import type { Disk } from "../../src/journal/disk.ts";
import { contradiction, headsOf, readCheckpoints } from "../../src/journal/kept.ts";
import { openRecording } from "../../src/journal/recording.ts";
import type { Entry } from "../../src/model/entry.ts";
import { WorldError } from "../../src/model/errors.ts";
import { signCheckpoint, toCheckpoint } from "../../src/trust/checkpoint.ts";
import { signingKey } from "../../src/trust/ed25519.ts";
import { LOSSES, leave, notingDisk } from "../journal/crash-disk.ts";
import { story } from "../journal/story.ts";
import { watchedDisk } from "../journal/watched-disk.ts";
import { temporary, workshop } from "../journal/workshop.ts";
import { Random } from "../sandbox/meter/random.ts";
import { runs, seed } from "../support/property.ts";

const key = signingKey(Buffer.alloc(32, 5));
const payloadOf: Checkpointing["payloadOf"] = (json) => toCheckpoint(json)?.payload;
const checkpointsIn = (root: string): Checkpointing => ({
  every: 4,
  to: [join(root, "elsewhere", "all.jsonl")],
  sign: (payload) => signCheckpoint(key, payload),
  payloadOf,
});
/** Places for one run, with a disk. */
const placesIn = (root: string, disk?: Disk) => {
  mkdirSync(join(root, "elsewhere"), { recursive: true });
  return workshop(root, { checkpoints: checkpointsIn(root), ...(disk ? { disk } : {}) });
};
/** What the world says; some of it is so large that it becomes a blob. */
const answer = (what: string) => (what === "tool 1" ? what.repeat(20_000) : what);
/** Nothing had happened yet: there is no key, or not even a header. */
const NOTHING_YET = ["no-such-run", "not-a-recording", "no-run-key", "bad-key"];

/** What was known to be on disk, and what had been done, at a moment. */
interface Known {
  readonly durable: number;
  readonly done: readonly string[];
}

/** Resumes what a fault left, and holds it against what was known: nothing durable is lost, nothing is done twice. */
async function goesOn(root: string, { durable, done }: Known): Promise<void> {
  const bench = placesIn(root);
  const resumed = await bench.resume().catch((error: { code: string }) => error.code);
  if (resumed === "run-ended") return whole(root);
  if (typeof resumed === "string") {
    expect(NOTHING_YET).toContain(resumed);
    expect({ durable, done }).toEqual({ durable: 0, done: [] });
    return;
  }
  expect(openRecording(bench.folder).count).toBeGreaterThanOrEqual(durable);
  const after = [...done];
  const told = await story(resumed.journal, async (what) => {
    after.push(what);
    return answer(what);
  });
  await resumed.journal.close();
  const { length: unknown } = told.filter((line) => line === '{"kind":"unknown"}');
  for (const tool of ["tool 1", "tool 2"]) {
    const times = after.filter((what) => what === tool).length;
    expect(times).toBeLessThanOrEqual(1);
    expect(times + unknown).toBeGreaterThanOrEqual(1);
  }
  const replay = bench.replay();
  expect(await story(replay, () => Promise.reject(new Error("performed")))).toEqual(told);
  replay.finish();
  await replay.close();
  whole(root);
}

/** Whole, and what any checkpoint anywhere says. */
function whole(root: string): void {
  const { folder } = placesIn(root);
  const lines = [join(folder, "checkpoints.jsonl"), join(root, "elsewhere", "all.jsonl")].flatMap(
    (file) => readCheckpoints(file, payloadOf)?.lines ?? [],
  );
  const { heads, see } = headsOf({ lines });
  const recording = openRecording(folder, see);
  expect(recording).toMatchObject({ complete: true, torn: 0 });
  const { count } = recording;
  for (const { kept } of lines) if (kept) expect(contradiction(kept.checkpoint, { count, heads })).toBeUndefined();
  for (const blob of recording.blobs) recording.blob(blob);
  recording.close();
}

describe("L1 L7 L9 N5 an append cycle of which every system call fails once", () => {
  const CODES = ["EIO", "ENOSPC", "EINTR"];

  /** The story up to the call number `fails`; how many calls there were. */
  async function until(fails: number, code: string): Promise<number> {
    const root = temporary();
    const state = { calls: 0, broken: false, after: [] as string[] };
    const disk = watchedDisk((call, path) => {
      if (state.broken) state.after.push(call);
      if (state.calls === fails) {
        state.broken = true;
        state.calls += 1;
        throw Object.assign(new Error(`${code}: from the test, ${call} ${path}`), { code });
      }
      state.calls += 1;
    });
    const known = { durable: 0, done: [] as string[] };
    mkdirSync(join(root, "elsewhere"));
    const onDurable = (entries: readonly Entry[]) => {
      known.durable = (entries.at(-1)?.seq ?? -1) + 1;
    };
    const bench = workshop(root, { disk, checkpoints: checkpointsIn(root), onDurable });
    let error: unknown;
    try {
      const journal = await bench.create();
      try {
        await story(journal, async (what) => {
          expect(state.broken).toBe(false);
          known.done.push(what);
          return answer(what);
        });
      } catch (thrown) {
        error = thrown;
        await expect(journal.durable()).rejects.toBe(thrown);
      }
      await journal.close().catch((thrown: unknown) => {
        error ??= thrown;
      });
    } catch (thrown) {
      error = thrown;
    }
    if (fails < 0) return state.calls;
    expect(error).toBeInstanceOf(WorldError);
    // What failed is not tried again: what follows lets go of files and takes away what is half done.
    const allowed = ["close", "unlink", "stat"];
    expect(state.after.filter((call) => !allowed.includes(call))).toEqual([]);
    await goesOn(root, known);
    return state.calls;
  }

  it("stops for good, starts nothing more, and goes on from there when the disk is well", {
    timeout: runs(120_000, 600_000),
  }, async () => {
    const calls = await until(-1, "");
    expect(calls).toBeGreaterThan(100);
    const stride = runs(5, 1);
    for (const [i, code] of CODES.entries()) {
      for (let call = (seed + i) % stride; call < calls; call += stride) await until(call, code);
    }
  });
});

describe("L2 L7 a repair of which every system call fails once", () => {
  /** What a crash may leave at its worst: a torn entry, a torn checkpoint, a blob that no entry names, half a blob. */
  async function torn(): Promise<{ readonly root: string; readonly known: Known }> {
    const root = temporary();
    const bench = placesIn(root);
    const journal = await bench.create();
    const done: string[] = [];
    await story(journal, async (what) => {
      done.push(what);
      return answer(what);
    });
    await journal.close();
    const lines = bench.lines();
    const kept = lines.findIndex((line) => line.includes('"kind":"input.resolve"'));
    bench.overwrite(lines.slice(0, kept));
    appendFileSync(bench.file, '{"at":18000');
    const checkpoints = join(bench.folder, "checkpoints.jsonl");
    const [first = ""] = readFileSync(checkpoints, "utf8").split("\n");
    writeFileSync(checkpoints, `${first}\n{"payload":"eyJ`);
    writeFileSync(join(root, "elsewhere", "all.jsonl"), `${first}\n{"payl`);
    writeFileSync(join(bench.folder, "blobs", `${"0".repeat(64)}.partial`), "half");
    return { root, known: { durable: kept - 1, done: ["start", "model 1"] } };
  }

  it("leaves everything so that the next one works, and says all that it took away", async () => {
    const { root, known } = await torn();
    const { length: before } = readdirSync(join(placesIn(root).folder, "blobs"));
    expect(before).toBe(2);
    let calls = 0;
    const copy = (): string => {
      const place = temporary();
      cpSync(root, place, { recursive: true });
      return place;
    };
    const counted = placesIn(
      copy(),
      watchedDisk(() => {
        calls += 1;
      }),
    );
    const { journal, repairs } = await counted.resume();
    expect(repairs.map(({ kind, bytes }) => [kind, bytes])).toEqual([
      ["entry", 11],
      ["checkpoint", 15],
      ["blob", 4],
      ["blob", expect.any(Number)],
    ]);
    await journal.close();
    const during = calls;
    const stride = runs(3, 1);
    for (let fails = seed % stride; fails < during; fails += stride) {
      const place = copy();
      let call = 0;
      const disk = watchedDisk(() => {
        call += 1;
        if (call === fails + 1) throw Object.assign(new Error("EIO: from the test"), { code: "EIO" });
      });
      const tried = await placesIn(place, disk)
        .resume()
        .catch((error: unknown) => error);
      // What fails when the journal is closed again fails behind everything that matters.
      if (tried instanceof Error) expect(tried).toBeInstanceOf(WorldError);
      else await (tried as { journal: { close(): Promise<void> } }).journal.close().catch(() => undefined);
      await goesOn(place, known);
    }
    expect(during).toBeGreaterThan(15);
  });
});

describe("L1 L2 a crash behind every system call of an append cycle", () => {
  it.each(LOSSES)(
    "loses no durable entry and doubles nothing when it takes %s that was not synced",
    {
      timeout: runs(120_000, 600_000),
    },
    async (loss) => {
      const random = new Random(seed);
      const root = temporary();
      const known: Known[] = [];
      const now = { durable: 0, done: [] as string[] };
      mkdirSync(join(root, "elsewhere"));
      const { disk, calls } = notingDisk(root, () => known.push({ ...now, done: [...now.done] }));
      const bench = workshop(root, {
        disk,
        checkpoints: checkpointsIn(root),
        onDurable: (entries) => {
          now.durable = (entries.at(-1)?.seq ?? -1) + 1;
        },
      });
      const journal = await bench.create();
      await story(journal, async (what) => {
        now.done.push(what);
        return answer(what);
      });
      await journal.close();
      expect(calls.length).toBeGreaterThan(60);
      const stride = runs(4, 1);
      for (let crash = seed % stride; crash < calls.length; crash += stride) {
        const left = temporary();
        leave(left, calls.slice(0, crash + 1), loss, () => random.bits() / 2 ** 32);
        // What was done or shown up to the next call of the disk was done with this much on it.
        await goesOn(left, known[crash + 1] ?? now);
        expect(existsSync(join(left, "elsewhere"))).toBe(true);
      }
    },
  );
});
