import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openRecording } from "../../src/journal/recording.ts";
import type { Entry, InputSpec } from "../../src/model/entry.ts";
import { BugError, InputError } from "../../src/model/errors.ts";
import { HostFault } from "../../src/model/hook.ts";
import type { Json } from "../../src/model/json.ts";
import { boundary, story } from "./story.ts";
import { live, ok, workshop } from "./workshop.ts";

const ask = <A extends Json>(perform: () => Promise<A>, rest: Partial<InputSpec<A>> = {}): InputSpec<A> => ({
  kind: "input.tool",
  ref: { call: "c1" },
  request: { path: "a" },
  perform,
  ...rest,
});

describe("a live journal", () => {
  it("keeps folder and files to their owner", async () => {
    const bench = workshop();
    await live(bench, async (what) => (what === "start" ? "x".repeat(100_000) : what));
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
    expect(mode(bench.folder)).toBe("700");
    expect(mode(bench.file)).toBe("600");
    expect(mode(join(bench.folder, "blobs"))).toBe("700");
    for (const blob of readdirSync(join(bench.folder, "blobs"))) {
      expect(mode(join(bench.folder, "blobs", blob))).toBe("600");
    }
    expect(mode(bench.keys)).toBe("700");
    expect(mode(join(bench.keys, "r1.key"))).toBe("600");
    expect(readdirSync(bench.folder).sort()).toEqual(["blobs", "journal.jsonl"]);
  });

  it("has the key and the header on disk before anything else", async () => {
    const bench = workshop();
    const journal = await bench.create();
    expect(bench.key()).toHaveLength(32);
    expect(bench.lines()).toHaveLength(1);
    expect(JSON.parse(bench.lines()[0] ?? "")).toMatchObject({ format: "pinion-journal/2", run: "r1", kernel: "1" });
    await journal.close();
  });

  it("refuses a folder that has a journal", async () => {
    const bench = workshop();
    await (await bench.create()).close();
    await expect(bench.create()).rejects.toThrow(InputError);
  });

  it("L9 has the intent with its receipt on disk before the effect starts", async () => {
    const bench = workshop();
    const journal = await bench.create();
    const receipt = boundary(journal, "pre-tool");
    let seen: string[] = [];
    const effect = { receipt, clear: { tool: "file.write" }, idempotent: false };
    const perform = async () => {
      seen = bench.lines();
      return null;
    };
    await journal.input(ask(perform, { effect }));
    expect(JSON.parse(seen.at(-1) ?? "")).toMatchObject({
      kind: "check.intent",
      body: { kind: "input.tool", ref: { call: "c1" }, receipt: { ...receipt }, tool: "file.write" },
    });
    expect(seen).toHaveLength(3);
    await journal.close();
  });

  it("writes nothing until `durable`, and then everything at once", async () => {
    const bench = workshop();
    const shown: Entry[][] = [];
    const journal = await workshop(bench.root, { onDurable: (entries) => shown.push([...entries]) }).create();
    for (let i = 0; i < 3; i++) journal.check("check.state", { i });
    await journal.input(ask(async () => 1));
    expect(bench.lines()).toHaveLength(1);
    expect(shown).toEqual([]);
    await journal.durable();
    expect(bench.lines()).toHaveLength(5);
    expect(shown).toHaveLength(1);
    expect(shown[0]?.map(({ seq, kind }) => [seq, kind])).toEqual([
      [0, "check.state"],
      [1, "check.state"],
      [2, "check.state"],
      [3, "input.tool"],
    ]);
    await journal.durable();
    expect(shown).toHaveLength(1);
    await journal.close();
  });

  it("gives back the value as replay will: canonical JSON, read again", async () => {
    const journal = await workshop().create();
    const value = { b: -0, a: [1], "10": 1, "9": 2 };
    const outcome = await journal.input(ask(async () => value));
    expect(outcome).toStrictEqual(ok(JSON.parse('{"10":1,"9":2,"a":[1],"b":0}')));
    await journal.close();
  });

  it("turns what is thrown into an error outcome with its code", async () => {
    const journal = await workshop().create();
    const fail = (error: unknown) => journal.input(ask(async () => Promise.reject(error)));
    const coded = Object.assign(new Error("no such file"), { code: "not-found" });
    expect(await fail(coded)).toEqual({ kind: "error", code: "not-found", message: "no such file" });
    expect(await fail(new TypeError("oops \ud800"))).toEqual({
      kind: "error",
      code: "internal",
      message: "oops \ufffd",
    });
    expect(await fail("text")).toEqual({ kind: "error", code: "internal", message: "text" });
    const sync = ask<Json>(() => {
      throw coded;
    });
    expect(await journal.input(sync)).toMatchObject({ code: "not-found" });
    await journal.close();
  });

  it("records an answer that is no JSON or too large as an error: the effect has happened", async () => {
    const journal = await workshop().create();
    const value = (json: unknown) => journal.input(ask(async () => json as Json));
    expect(await value(Number.NaN)).toMatchObject({ kind: "error", code: "not-json" });
    expect(await value(undefined)).toMatchObject({ kind: "error", code: "not-json" });
    expect(await value("\ud800")).toMatchObject({ kind: "error", code: "lone-surrogate" });
    expect(await value("x".repeat(24 * 1024 * 1024))).toMatchObject({ kind: "error", code: "too-large" });
    await journal.close();
  });

  it("L11 refuses a request of 100 MB before anything is done, and an answer of 20 MB comes back from the record", async () => {
    const bench = workshop();
    const journal = await bench.create();
    let done = 0;
    const perform = async () => {
      done += 1;
      return "y".repeat(20 * 1024 * 1024);
    };
    const receipt = boundary(journal, "pre-tool");
    const effect = { receipt, clear: {}, idempotent: false };
    await expect(journal.input(ask(perform, { request: "x".repeat(100e6), effect }))).rejects.toThrow(InputError);
    expect(done).toBe(0);
    const outcome = await journal.input(ask(perform));
    await journal.close();
    const replay = bench.replay();
    boundary(replay, "pre-tool");
    expect(await replay.input(ask(perform))).toEqual(outcome);
    expect(done).toBe(1);
    await replay.close();
  });

  it("appends nothing while an input is outstanding: its place would be up to the world", async () => {
    const journal = await workshop().create();
    const tries: unknown[] = [];
    const attempt = (what: () => unknown) => {
      try {
        what();
      } catch (error) {
        tries.push(error);
      }
    };
    const outcome = await journal.input(
      ask(async () => {
        attempt(() => journal.check("check.state", {}));
        attempt(() => journal.poll());
        await journal.input(ask(async () => 1)).catch((error: unknown) => tries.push(error));
        await journal
          .faultable({}, () => Promise.reject(new HostFault("deadline", "h", "d")))
          .catch((error: unknown) => tries.push(error));
        return "done";
      }),
    );
    expect(tries).toHaveLength(4);
    for (const error of tries) expect(error).toBeInstanceOf(BugError);
    expect(outcome).toEqual(ok("done"));
    expect(journal.count).toBe(1);
    await journal.close();
  });

  it("lets nothing be appended while a fault may still end the wait before it", async () => {
    const journal = await workshop().create();
    const waiting = journal.faultable({}, async () => {
      journal.check("check.state", {});
      throw new HostFault("deadline", "h", "late");
    });
    await expect(waiting).rejects.toThrow(BugError);
    await journal.close();
  });

  it("D6 records the completions of a group in their order, and answers in the order of asking", async () => {
    const bench = workshop();
    const journal = await bench.create();
    const gates = ["a", "b", "c"].map((name) => ({ name, ...Promise.withResolvers<string>() }));
    const outcomes = journal.inputs(gates.map(({ name, promise }) => ask(() => promise, { ref: { name } })));
    for (const name of ["c", "a", "b"]) {
      gates.find((gate) => gate.name === name)?.resolve(name.toUpperCase());
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await outcomes).toEqual([ok("A"), ok("B"), ok("C")]);
    await journal.close();
    const names = [...openRecording(bench.folder).entries()].map(({ entry }) => (entry.body as { ref: Json }).ref);
    expect(names).toEqual([{ name: "c" }, { name: "a" }, { name: "b" }]);
    const replay = bench.replay();
    const never = gates.map(({ name }) => ask(() => Promise.reject(new Error("performed")), { ref: { name } }));
    expect(await replay.inputs(never)).toEqual([ok("A"), ok("B"), ok("C")]);
    await replay.close();
  });

  it("refuses a group in which two answers could not be told apart", async () => {
    const journal = await workshop().create();
    await expect(journal.inputs([ask(async () => 1), ask(async () => 2)])).rejects.toThrow(BugError);
    expect(await journal.input(ask(async () => 3))).toEqual(ok(3));
    await journal.close();
  });

  it("N6 D1 a clock that jumps never takes the kernel's time back", async () => {
    const times = [5000, 4000, -1, 6000.9, 6000.1, 1e15];
    const bench = workshop(undefined, { clock: () => times.shift() ?? 0 });
    const journal = await bench.create();
    const seen: number[] = [journal.now()];
    for (let i = 0; i < 6; i++) {
      await journal.input(ask(async () => i));
      seen.push(journal.now());
    }
    expect(seen).toEqual([0, 5000, 5000, 5000, 6000, 6000, 1e15]);
    await journal.close();
    expect([...openRecording(bench.folder).entries()].map(({ entry }) => entry.at)).toEqual(seen.slice(1));
  });

  it("hands the run's cancellation to what is performed", async () => {
    const cancel = new AbortController();
    const journal = await workshop(undefined, { cancel: cancel.signal }).create();
    const started = Promise.withResolvers<void>();
    const perform = (signal: AbortSignal) => {
      started.resolve();
      return new Promise<Json>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    const outcome = journal.input({ ...ask(async () => null), perform });
    await started.promise;
    cancel.abort(Object.assign(new Error("stopped"), { code: "cancelled" }));
    expect(await outcome).toEqual({ kind: "error", code: "cancelled", message: "stopped" });
    await journal.close();
  });

  it("appends nothing after `check.end`", async () => {
    const journal = await workshop().create();
    journal.check("check.end", {});
    expect(() => journal.check("check.state", {})).toThrow(BugError);
    await expect(journal.input(ask(async () => 1))).rejects.toThrow(BugError);
    await journal.close();
  });

  it("X1 X3 leaves no word of what the world said in clear on disk", async () => {
    const secret = "AKIA-this-is-the-planted-credential";
    const bench = workshop();
    const journal = await bench.create();
    await journal.input(ask(async () => ({ file: secret.repeat(5000), small: secret })));
    await journal.input(ask(async () => Promise.reject(new Error(`cannot: ${secret}`))));
    await journal
      .faultable({}, async () => Promise.reject(new HostFault("protocol", "h", secret)))
      .catch(() => undefined);
    journal.push({ kind: "rearm", hook: "h", reason: secret, by: secret });
    journal.poll();
    journal.check("check.state", { text: journal.commitment(secret) });
    await journal.close();
    const forms = ["utf8", "base64", "hex"].map((form) =>
      Buffer.from(secret)
        .toString(form as "utf8")
        .slice(0, -4),
    );
    const files = readdirSync(bench.root, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    expect(files.length).toBe(3);
    for (const file of files) {
      const bytes = readFileSync(join(file.parentPath, file.name));
      for (const form of [...forms, encodeURIComponent(secret)]) expect(bytes.includes(form)).toBe(false);
    }
  });
});

describe("the same story", () => {
  const world = async (what: string) => ({ what, secret: "s3cret" });

  it("X5 is told alike live and replayed, without touching the world again", async () => {
    const bench = workshop();
    const told = await live(bench, world, 5);
    const replay = bench.replay();
    const again = await story(replay, () => Promise.reject(new Error("performed")), 5);
    replay.finish();
    expect(again).toEqual(told);
    expect(replay.ended).toBe(true);
    expect(replay.head).toBe(openRecording(bench.folder).head);
    await replay.close();
  });

  it("does not count what passes during work that is not the run's, nor an input that is appended meanwhile", async () => {
    let passed = 0;
    const bench = workshop(undefined, { monotonic: () => passed });
    const journal = await bench.create();
    const wait = (ms: number) => {
      passed += ms;
    };
    await journal.input(ask(async () => null));
    wait(5);
    await journal.untimed(async () => {
      wait(1000);
      await journal
        .faultable({ shadow: "s" }, () => Promise.reject(new HostFault("deadline", "s", "late")))
        .catch(() => null);
      wait(1000);
    });
    wait(7);
    await journal.input(ask(async () => null, { ref: { call: "c2" } }));
    await journal.close();
    const entries = bench
      .lines()
      .slice(1)
      .map((line) => JSON.parse(line) as Entry);
    expect(entries.map(({ kind, ran }) => [kind, ran])).toEqual([
      ["input.tool", 0],
      ["input.fault", 5],
      ["input.tool", 12],
    ]);
  });
});
