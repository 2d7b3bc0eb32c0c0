import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { RecordingEnds, ReplayDivergence } from "../../src/journal/divergence.ts";
import type { RunJournal } from "../../src/journal/journal.ts";
import { replayJournal } from "../../src/journal/open.ts";
import { openRecording } from "../../src/journal/recording.ts";
import { Seal } from "../../src/journal/seal.ts";
import { canonicalJson, type Digest, digestOf } from "../../src/model/canonical.ts";
import type { InputSpec } from "../../src/model/entry.ts";
import { DivergenceError, InputError, IntegrityError } from "../../src/model/errors.ts";
import { HostFault } from "../../src/model/hook.ts";
import type { Json } from "../../src/model/json.ts";
import { boundary, story } from "./story.ts";
import { live, ok, RUN, workshop } from "./workshop.ts";

const never = () => Promise.reject(new Error("performed"));
const spec = (rest: Partial<InputSpec<Json>> = {}): InputSpec<Json> => ({
  kind: "input.tool",
  ref: { call: "c1" },
  request: { path: "a" },
  perform: never,
  ...rest,
});

/** Records `write`, replays `read`. */
async function replayed(
  write: (journal: RunJournal) => unknown,
  read: (journal: RunJournal) => unknown,
): Promise<unknown> {
  const bench = workshop();
  const journal = await bench.create();
  await write(journal);
  await journal.close();
  const replay = bench.replay();
  try {
    return await read(replay);
  } finally {
    await replay.close();
  }
}

async function differenceOf(replay: Promise<unknown>): Promise<ReplayDivergence["difference"]> {
  const error = await replay.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (error instanceof ReplayDivergence) return error.difference;
  throw error ?? new Error("expected a divergence");
}

/** Rewrites entries and chains them anew, receipts included, as a forger would who has no key. */
function forge(lines: readonly string[], change: (entry: Record<string, Json>) => Json): string[] {
  const renamed = new Map<Digest, Digest>();
  return lines.map((line, i) => {
    let changed = i === 0 ? line : canonicalJson(change(JSON.parse(line)));
    for (const [before, after] of renamed) changed = changed.replaceAll(before, after);
    renamed.set(digestOf(line), digestOf(changed));
    return changed;
  });
}

describe("a replay", () => {
  it("says at which seq, phase and hook a boundary differs, what was expected and what was found", async () => {
    const difference = await differenceOf(
      replayed(
        (journal) => boundary(journal, "pre-tool"),
        (journal) => boundary(journal, "pre-tool", { decision: "block" }),
      ),
    );
    expect(difference).toEqual({
      seq: 0,
      kind: "check.boundary",
      phase: "pre-tool",
      hook: "tool-gate",
      pointer: "/verdicts/1/decision",
      expected: '`"allow"`',
      found: '`"block"`',
    });
  });

  it("names the hook that answered too much or too little", async () => {
    const verdict = (hook: string) => ({ hook, decision: "allow" });
    const body = (...hooks: string[]) => ({ phase: "audit", verdicts: hooks.map(verdict) });
    const difference = (a: string[], b: string[]) =>
      differenceOf(
        replayed(
          (journal) => journal.check("check.boundary", body(...a)),
          (journal) => journal.check("check.boundary", body(...b)),
        ),
      );
    expect(await difference(["a"], ["a", "b"])).toMatchObject({
      hook: "b",
      pointer: "/verdicts/1",
      expected: "nothing",
    });
    expect(await difference(["a", "b"], ["a"])).toMatchObject({ hook: "b", pointer: "/verdicts/1", found: "nothing" });
  });

  it("tells another kind of check, and an input where a check was", async () => {
    const write = (journal: RunJournal) => journal.check("check.limit", { a: 1 });
    const other = replayed(write, (journal) => journal.check("check.state", { a: 1 }));
    expect(await differenceOf(other)).toEqual({
      seq: 0,
      kind: "check.limit",
      expected: "`check.limit`",
      found: "`check.state`",
    });
    const input = replayed(write, (journal) => journal.input(spec()));
    expect(await differenceOf(input)).toMatchObject({
      seq: 0,
      kind: "check.limit",
      found: '`input.tool` {"call":"c1"}',
    });
  });

  it("D11 never performs, and refuses another kind, ref or request", async () => {
    const write = (journal: RunJournal) => journal.input(spec({ perform: async () => "yes" }));
    expect(await replayed(write, (journal) => journal.input(spec()))).toEqual(ok("yes"));
    const others: Partial<InputSpec<Json>>[] = [
      { kind: "input.model" },
      { ref: { call: "c2" } },
      { request: { path: "b" } },
    ];
    for (const other of others) {
      expect(await differenceOf(replayed(write, (journal) => journal.input(spec(other))))).toMatchObject({ seq: 0 });
    }
  });

  it("X3 does not say in a divergence what a sealed request was", async () => {
    const secret = "the planted credential";
    const error = await replayed(
      (journal) => journal.input(spec({ request: { secret }, perform: async () => null })),
      (journal) => journal.input(spec({ request: { secret: `${secret}!` } })),
    ).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ReplayDivergence);
    expect(JSON.stringify(error) + String(error)).not.toContain("planted");
  });

  it("D10 a recorded answer that is missing, or one too many, is a divergence", async () => {
    const answer = (call: string) => spec({ ref: { call }, perform: async () => call });
    const end = (journal: RunJournal) => journal.check("check.end", {});
    const one = async (journal: RunJournal) => {
      await journal.input(answer("c1"));
      end(journal);
    };
    const two = async (journal: RunJournal) => {
      await journal.input(answer("c1"));
      await journal.input(answer("c2"));
      end(journal);
    };
    expect(await differenceOf(replayed(one, two))).toMatchObject({ seq: 1, kind: "check.end" });
    expect(await differenceOf(replayed(two, one))).toMatchObject({ seq: 1, kind: "input.tool", found: "`check.end`" });
    const more = async (journal: RunJournal) => {
      await one(journal);
      await journal.input(answer("c2"));
    };
    expect(await differenceOf(replayed(one, more))).toMatchObject({ seq: 2, expected: "the end of the run" });
    const less = async (journal: RunJournal) => {
      await journal.input(answer("c1"));
      journal.finish();
    };
    expect(await differenceOf(replayed(one, less))).toMatchObject({ seq: 1, found: "the end of the run" });
  });

  it("a recording that ends without `check.end` is incomplete, wherever it was cut, and nothing is performed", async () => {
    const bench = workshop();
    await live(bench, async (what) => what);
    const lines = bench.lines();
    for (let keep = 1; keep < lines.length; keep++) {
      bench.overwrite(lines.slice(0, keep));
      const replay = bench.replay();
      const error = await story(replay, never).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(RecordingEnds);
      expect(error).toMatchObject({ code: "incomplete", seq: keep - 1 });
      await replay.close();
    }
  });

  it("D7 imposes a recorded fault at its call, without waiting, and at no other", async () => {
    const fault = () => new HostFault("deadline", "slow", "took 500 ms");
    const ref = { phase: "pre-tool" };
    const caught = (journal: RunJournal, wait: () => Promise<unknown>) =>
      journal.faultable(ref, wait).then(
        () => "answered",
        (error: unknown) =>
          error instanceof HostFault ? `${error.fault} ${error.hook} ${error.message}` : Promise.reject(error),
      );
    const write = async (journal: RunJournal) => [
      await caught(journal, async () => 1),
      await caught(journal, () => Promise.reject(fault())),
      await caught(journal, async () => 1),
      journal.check("check.end", {}).seq,
    ];
    let waits = 0;
    const read = async (journal: RunJournal) => {
      const wait = async () => {
        waits += 1;
      };
      return [
        await caught(journal, wait),
        await caught(journal, wait),
        await caught(journal, wait),
        journal.check("check.end", {}).seq,
      ];
    };
    expect(await replayed(write, read)).toEqual(["answered", "deadline slow took 500 ms", "answered", 1]);
    expect(waits).toBe(2);
    const fresh = replayed(write, (journal) => caught(journal, () => Promise.reject(fault())));
    expect(await differenceOf(fresh)).toMatchObject({ seq: 0, kind: "input.fault" });
  });

  it("hands out a control at the same look as live, not at an earlier one", async () => {
    const tell = async (journal: RunJournal, push: boolean) => {
      const told = [journal.poll(), journal.poll()];
      if (push) journal.push({ kind: "rearm", hook: "h", reason: "fixed", by: "ann" });
      if (push) journal.push({ kind: "pause", by: "ann" });
      return [...told, journal.poll(), journal.poll(), journal.poll()];
    };
    let first: unknown;
    const again = await replayed(
      async (journal) => {
        first = await tell(journal, true);
      },
      (journal) => tell(journal, false),
    );
    expect(again).toEqual(first);
    expect(again).toEqual([
      undefined,
      undefined,
      { kind: "rearm", hook: "h", reason: "fixed", by: "ann" },
      { kind: "pause", by: "ann" },
      undefined,
    ]);
  });

  it("D12 L6 a forged history, chained anew, is found at the first sealed body behind the forgery", async () => {
    const bench = workshop();
    await live(bench, async (what) => what);
    const lines = bench.lines();
    bench.overwrite(
      forge(lines, (entry) => (entry.kind === "check.hooks" ? { ...entry, body: { hooks: [] } } : entry)),
    );
    const replay = bench.replay();
    await replay.input({ kind: "input.start", ref: {}, request: null, perform: never });
    replay.check("check.hooks", { hooks: [] }); // a replay that was forged as well
    const receipt = boundary(replay, "pre-send");
    const effect = { receipt, clear: { step: 1 }, idempotent: true };
    const model = { kind: "input.model", ref: { step: 1 }, request: { messages: ["question 1"] } } as const;
    await expect(replay.input({ ...model, effect, perform: never })).rejects.toThrow(IntegrityError);
    await replay.close();
  });

  it("D12 an answer put in the place of another does not open", async () => {
    const bench = workshop();
    const journal = await bench.create();
    await journal.input(spec({ perform: async () => "no" }));
    await journal.input(spec({ perform: async () => "yes" }));
    await journal.close();
    const [, first, second] = bench.lines().map((line) => JSON.parse(line) as Record<string, Json>);
    const bodies = [second?.body, first?.body];
    bench.overwrite(forge(bench.lines(), (entry) => ({ ...entry, body: bodies.shift() ?? null })));
    const replay = bench.replay();
    await expect(replay.input(spec())).rejects.toThrow(IntegrityError);
    await replay.close();
  });

  it("refuses content that the key sealed and this version would not have written", async () => {
    const bench = workshop();
    await (await bench.create()).close();
    const [header = ""] = bench.lines();
    const context = { seq: 0, kind: "input.tool", prev: digestOf(header) } as const;
    const seal = new Seal(bench.key() ?? new Uint8Array(), RUN);
    const ask = { ...spec(), request: null };
    for (const outcome of [
      "yes",
      { kind: "ok" },
      { kind: "error", code: 1, message: "m" },
      { kind: "maybe", value: 1 },
    ]) {
      const { commit, bytes } = seal.close(context, canonicalJson({ request: null, outcome }), randomBytes(12));
      const body = { ref: ask.ref, commit, sealed: bytes.toString("base64") };
      bench.overwrite([header, canonicalJson({ ...context, at: 1, ran: 1, body })]);
      const replay = bench.replay();
      await expect(replay.input(ask)).rejects.toMatchObject({ code: "bad-content" });
      await replay.close();
    }
  });

  it("does not take another run's key", async () => {
    const bench = workshop();
    await live(bench, async (what) => what);
    const replay = replayJournal(openRecording(bench.folder), new Uint8Array(32));
    await expect(story(replay, never)).rejects.toThrow("does not open");
    await replay.close();
  });
});

describe("a replay without the run key", () => {
  it("takes boundaries as recorded and counts what stayed sealed", async () => {
    const bench = workshop();
    await live(bench, async (what) => what);
    const replay = replayJournal(openRecording(bench.folder), undefined);
    expect(replay.sealedAhead()).toBe(true);
    await expect(story(replay, never)).rejects.toThrow(InputError);
    await expect(story(replay, never)).rejects.toMatchObject({ code: "sealed" });
    const phases = [];
    for (let recorded = replay.adopt(); recorded !== undefined; recorded = replay.adopt())
      phases.push(recorded.body.phase);
    expect(phases).toEqual(["pre-send", "pre-tool", "pre-send", "pre-tool"]);
    expect(replay.unopened).toEqual({ sealed: 9, adopted: 4 });
    expect(replay.ended).toBe(true);
    replay.finish();
    expect(() => replay.commitment("text")).toThrow(InputError);
    await replay.close();
  });

  it("compares what needs no key", async () => {
    const bench = workshop();
    const journal = await bench.create();
    journal.check("check.hooks", { a: 1 });
    await journal.close();
    const replay = replayJournal(openRecording(bench.folder), undefined);
    expect(replay.sealedAhead()).toBe(false);
    expect(() => replay.check("check.hooks", { a: 2 })).toThrow(DivergenceError);
    await replay.close();
  });
});
