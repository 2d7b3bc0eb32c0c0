import { appendFileSync, readFileSync, rmSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DamagedError } from "../../src/journal/damage.ts";
import { runKeyFile } from "../../src/journal/keys.ts";
import { openRecording } from "../../src/journal/recording.ts";
import { digestOf } from "../../src/model/canonical.ts";
import type { InputSpec, Journal, Outcome } from "../../src/model/entry.ts";
import { InputError, UnfinishedError } from "../../src/model/errors.ts";
import { HostFault } from "../../src/model/hook.ts";
import type { Json } from "../../src/model/json.ts";
import { boundary, story } from "./story.ts";
import { live, ok, RUN, workshop } from "./workshop.ts";

describe("a resumed journal", () => {
  it("goes on from every entry at which it may have been interrupted, and repeats nothing that is recorded", async () => {
    const bench = workshop();
    const told = await live(bench, async (what) => what);
    const lines = bench.lines();
    for (let keep = 1; keep < lines.length; keep++) {
      bench.overwrite(lines.slice(0, keep));
      const recorded = lines.slice(1, keep).filter((line) => line.includes('"at":')).length;
      const done: string[] = [];
      const { journal, repairs } = await bench.resume();
      const again = await story(journal, async (what) => {
        done.push(what);
        return what;
      });
      await journal.close();
      expect(repairs).toEqual([]);
      expect(again).toHaveLength(told.length);
      expect(done.length).toBeLessThanOrEqual(9 - recorded);
      expect(openRecording(bench.folder)).toMatchObject({ complete: true, torn: 0, count: lines.length - 1 });
      const replay = bench.replay();
      expect(await story(replay, () => Promise.reject(new Error("performed")))).toEqual(again);
      replay.finish();
      await replay.close();
    }
  });

  it("L2 cuts off a torn last record at every byte, and says so", async () => {
    const bench = workshop();
    await live(bench, async (what) => what, 1);
    const lines = bench.lines();
    const [last = "", before] = [lines.at(-1), lines.slice(0, -1)];
    for (let kept = 0; kept <= last.length; kept += kept < 8 || kept > last.length - 8 ? 1 : 13) {
      bench.overwrite(before);
      appendFileSync(bench.file, last.slice(0, kept));
      expect(openRecording(bench.folder)).toMatchObject({ torn: kept, complete: false, count: before.length - 1 });
      const { journal, repairs } = await bench.resume();
      expect(repairs.map(({ bytes }) => bytes)).toEqual(kept === 0 ? [] : [kept]);
      await journal.close();
      expect(readFileSync(bench.file, "utf8")).toBe(`${before.join("\n")}\n`);
    }
  });

  it("N4 takes a hook host that is lost while the past is replayed for no divergence, and leaves the journal as it was", async () => {
    const bench = workshop();
    const journal = await bench.create();
    await journal.faultable({ step: 1 }, async () => boundary(journal, "pre-tool"));
    await journal.close();
    const before = bench.lines();
    const { journal: resumed } = await bench.resume();
    const lost = () => Promise.reject(new HostFault("host-died", undefined, "killed by SIGKILL"));
    await expect(resumed.faultable({ step: 1 }, lost)).rejects.toMatchObject({ code: "replay-interrupted", exit: 1 });
    await resumed.close();
    expect(bench.lines()).toEqual(before);
    const replay = bench.replay();
    await expect(replay.faultable({ step: 1 }, lost)).rejects.toMatchObject({ code: "diverged" });
    await replay.close();
  });

  it("refuses a run that has ended, one that is not there, one whose key is gone, and one that is damaged", async () => {
    const bench = workshop();
    await expect(bench.resume()).rejects.toMatchObject({ code: "no-such-run" });
    await live(bench, async (what) => what, 1);
    await expect(bench.resume()).rejects.toMatchObject({ code: "run-ended" });
    const lines = bench.lines();
    bench.overwrite([...lines.slice(0, 3), ...lines.slice(4, -1)]);
    await expect(bench.resume()).rejects.toThrow(DamagedError);
    bench.overwrite(lines.slice(0, -1));
    const { size } = statSync(bench.file);
    rmSync(runKeyFile(bench.keys, RUN));
    await expect(bench.resume()).rejects.toThrow(InputError);
    expect(statSync(bench.file).size).toBe(size);
  });

  it("takes controls that were handed in before the record was used up only behind it", async () => {
    const bench = workshop();
    const first = await bench.create();
    first.check("check.hooks", {});
    await first.close();
    const { journal } = await bench.resume();
    journal.push({ kind: "pause", by: "ann" });
    expect(journal.poll()).toBeUndefined();
    journal.check("check.hooks", {});
    expect(journal.poll()).toEqual({ kind: "pause", by: "ann" });
    await journal.close();
  });
});

describe("L9 an intent without an outcome", () => {
  const call = (idempotent: boolean, perform: () => Promise<Json>, name = "c1"): InputSpec<Json> => {
    const receipt = { seq: 0, entry: digestOf(RUN) };
    return { kind: "input.tool", ref: { name }, request: null, effect: { receipt, clear: {}, idempotent }, perform };
  };

  /** Runs `ask` until its first effect has happened, and no further; then again on what is on disk. */
  async function interrupted(ask: (journal: Journal, perform: (name: string) => Promise<Json>) => Promise<Outcome[]>) {
    const bench = workshop();
    const journal = await bench.create();
    boundary(journal, "pre-tool");
    const reached = Promise.withResolvers<void>();
    void ask(journal, (name) => {
      if (name !== "quick") reached.resolve();
      return name === "quick" ? Promise.resolve("at once") : new Promise(() => undefined);
    });
    await reached.promise;
    await new Promise((resolve) => setImmediate(resolve));
    await journal.durable();
    await journal.close();
    const again: string[] = [];
    const resumed = (await bench.resume()).journal;
    boundary(resumed, "pre-tool");
    const outcomes = await ask(resumed, async (name) => {
      again.push(name);
      return "again";
    });
    await resumed.close();
    return { outcomes, again };
  }

  it("is performed again when it is idempotent", async () => {
    const found = await interrupted(async (journal, perform) => [await journal.input(call(true, () => perform("c1")))]);
    expect(found).toEqual({ outcomes: [ok("again")], again: ["c1"] });
  });

  it("is unknown when it is not, and is not performed again", async () => {
    const found = await interrupted(async (journal, perform) => [
      await journal.input(call(false, () => perform("c1"))),
    ]);
    expect(found).toEqual({ outcomes: [{ kind: "unknown" }], again: [] });
  });

  it.each([
    ["performed again", true, ["again"]],
    ["unknown", false, []],
  ])("stops the run when the world failed in the middle of it, and is %s later", async (_, idempotent, again) => {
    const bench = workshop();
    const journal = await bench.create();
    boundary(journal, "pre-tool");
    const failed = new UnfinishedError({ code: "layer-not-written", message: "EIO" });
    const slow = call(idempotent, () => Promise.reject(failed), "a");
    const quick = call(false, () => Promise.resolve("at once"), "b");
    await expect(journal.inputs([slow, quick])).rejects.toBe(failed);
    expect(() => journal.check("check.hooks", {})).toThrow(failed);
    await expect(journal.close()).rejects.toBe(failed);
    const done: string[] = [];
    const resumed = (await bench.resume()).journal;
    boundary(resumed, "pre-tool");
    const perform = async () => {
      done.push("again");
      return "again";
    };
    const outcomes = await resumed.inputs([call(idempotent, perform, "a"), call(false, perform, "b")]);
    await resumed.close();
    expect(outcomes).toEqual([idempotent ? ok("again") : { kind: "unknown" }, ok("at once")]);
    expect(done).toEqual(again);
  });

  it("keeps its place in a group, beside what was answered", async () => {
    const found = await interrupted((journal, perform) =>
      journal.inputs([
        call(false, () => perform("slow"), "a"),
        call(false, () => perform("quick"), "b"),
        call(true, () => perform("slower"), "c"),
      ]),
    );
    expect(found).toEqual({ outcomes: [{ kind: "unknown" }, ok("at once"), ok("again")], again: ["slower"] });
  });

  it("has not happened when another intent of its group is not on disk", async () => {
    const bench = workshop();
    const journal = await bench.create();
    boundary(journal, "pre-tool");
    const both = (of: Journal, perform: () => Promise<Json>) =>
      of.inputs([call(false, perform, "a"), call(false, perform, "b")]);
    await both(journal, async () => "first");
    await journal.close();
    bench.overwrite(bench.lines().slice(0, 3)); // header, boundary, the first intent
    const { journal: resumed } = await bench.resume();
    boundary(resumed, "pre-tool");
    expect(await both(resumed, async () => "second")).toEqual([ok("second"), ok("second")]);
    await resumed.close();
  });
});
