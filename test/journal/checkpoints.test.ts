import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Checkpointing } from "../../src/journal/checkpoint.ts";
import { checkpointFile } from "../../src/journal/checkpoints.ts";
import { exportRecording } from "../../src/journal/export.ts";
import { readCheckpoints } from "../../src/journal/kept.ts";
import { openRecording } from "../../src/journal/recording.ts";
import { WorldError } from "../../src/model/errors.ts";
import { isSigned, signCheckpoint, toCheckpoint } from "../../src/trust/checkpoint.ts";
import { signingKey } from "../../src/trust/ed25519.ts";
import { story } from "./story.ts";
import { watchedDisk } from "./watched-disk.ts";
import { RUN, temporary, workshop } from "./workshop.ts";

const key = signingKey(Buffer.alloc(32, 9));
const payloadOf: Checkpointing["payloadOf"] = (json) => toCheckpoint(json)?.payload;
const signing = (more: Partial<Checkpointing> = {}): Checkpointing => ({
  every: 1000,
  to: [],
  sign: (payload) => signCheckpoint(key, payload),
  payloadOf,
  ...more,
});
const kept = (file: string) =>
  (readCheckpoints(file, payloadOf)?.lines ?? []).map((line) => line.kept?.checkpoint ?? "none");
const world = async (what: string) => what;

describe("checkpoints", () => {
  it("are made every so many entries and at the end, signed, of what was on disk at that time", async () => {
    const bench = workshop(undefined, { checkpoints: signing({ every: 5 }) });
    const journal = await bench.create();
    await story(journal, world);
    await journal.close();
    const lines = bench.lines();
    const found = kept(checkpointFile(bench.folder)).map((one) => (one === "none" ? expect.fail("none") : one));
    expect(found.length).toBeGreaterThan(2);
    expect(found.at(-1)).toEqual({ run: RUN, count: lines.length - 1, head: journal.head, at: journal.now() });
    const heads = new Map<number, string>();
    const recording = openRecording(bench.folder, ({ entry, digest }) => heads.set(entry.seq + 1, digest));
    for (const { count, head } of found) expect(heads.get(count)).toBe(head);
    for (const [i, { count }] of found.entries()) expect(count - (found[i - 1]?.count ?? 0)).toBeLessThan(5 + 9);
    recording.close();
    for (const line of readFileSync(checkpointFile(bench.folder), "utf8").trimEnd().split("\n")) {
      const signed = toCheckpoint(JSON.parse(line));
      expect(signed !== undefined && isSigned(key.publicKey, signed)).toBe(true);
    }
    expect(statSync(checkpointFile(bench.folder)).mode & 0o777).toBe(0o600);
  });

  it("go on where they stood when a run is resumed, and none is made of nothing new", async () => {
    const bench = workshop(undefined, { checkpoints: signing() });
    const journal = await bench.create();
    journal.check("check.hooks", {});
    await journal.close();
    for (const _ of [1, 2]) await (await bench.resume()).journal.close();
    const again = await bench.resume();
    expect(again.journal.check("check.hooks", {})).toMatchObject({ seq: 0 });
    again.journal.check("check.state", {});
    await again.journal.close();
    expect(kept(checkpointFile(bench.folder))).toMatchObject([{ count: 1 }, { count: 2 }]);
  });

  it("are appended to every file and folder elsewhere as well, behind what stands there", async () => {
    const root = temporary();
    const [file, folder] = [join(root, "all.jsonl"), join(root, "each")];
    mkdirSync(folder);
    writeFileSync(file, "a line that another run was killed ov");
    const bench = workshop(root, { checkpoints: signing({ to: [file, folder] }) });
    const journal = await bench.create();
    await story(journal, world, 1);
    await journal.close();
    const own = readFileSync(checkpointFile(bench.folder), "utf8");
    expect(readFileSync(join(folder, `${RUN}.checkpoints.jsonl`), "utf8")).toBe(own);
    expect(readFileSync(file, "utf8")).toBe(`a line that another run was killed ov\n${own}`);
    expect(kept(file)).toMatchObject(["none", { count: journal.count }]);
  });

  it("ride in the end marker of a recording", async () => {
    const bench = workshop(undefined, { checkpoints: signing() });
    const journal = await bench.create();
    await story(journal, world, 1);
    await journal.close();
    const file = join(bench.root, "out.jsonl");
    await exportRecording(bench.folder, file, { payloadOf });
    const recording = openRecording(file);
    expect(recording.checkpoint).toEqual(JSON.parse(readFileSync(checkpointFile(bench.folder), "utf8")));
    recording.close();
    await exportRecording(bench.folder, file);
    const bare = openRecording(file);
    expect(bare.checkpoint).toBeUndefined();
    bare.close();
  });

  it("L2 one that was torn is cut off when the run is resumed, and said with its place", async () => {
    const bench = workshop(undefined, { checkpoints: signing() });
    const journal = await bench.create();
    journal.check("check.hooks", {});
    await journal.close();
    const file = checkpointFile(bench.folder);
    const { size } = statSync(file);
    appendFileSync(file, '{"payload":"eyJ');
    const { journal: again, repairs } = await bench.resume();
    expect(repairs).toEqual([{ kind: "checkpoint", file, offset: size, bytes: 15 }]);
    await again.close();
    expect(statSync(file).size).toBe(size);
  });
});

describe("L7 a place for checkpoints that fails", () => {
  it("keeps a run from beginning when it cannot be had", async () => {
    const root = temporary();
    const places = [join(root, "not-there", "all.jsonl"), join(root, "not-there/"), "/dev/null"];
    for (const [i, place] of places.entries()) {
      const bench = workshop(join(root, String(i)), { checkpoints: signing({ to: [place] }) });
      await expect(bench.create()).rejects.toMatchObject({ code: "checkpoint-not-written" });
      expect(existsSync(bench.folder)).toBe(false);
    }
    expect(existsSync(join(root, "not-there"))).toBe(false);
  });

  it.each(["open", "write", "datasync", "sync", "close"])(
    "stops the run for good when `%s` fails there, before any further effect",
    async (call) => {
      const root = temporary();
      const place = join(root, "elsewhere.jsonl");
      const state = { broken: false, after: 0 };
      const disk = watchedDisk((name, path) => {
        if (!state.broken) return;
        if (name === call && (path === place || (name === "sync" && path === dirname(place)))) {
          throw Object.assign(new Error("EIO: from the test"), { code: "EIO" });
        }
      });
      const bench = workshop(root, { disk, checkpoints: signing({ every: 1, to: [place] }) });
      const journal = await bench.create();
      journal.check("check.hooks", {});
      state.broken = true;
      const error: unknown = await journal.durable().catch((error: unknown) => error);
      expect(error).toBeInstanceOf(WorldError);
      expect(String(error)).toContain("elsewhere.jsonl");
      const spec = { kind: "input.tool" as const, ref: {}, request: null, perform: () => expect.fail("performed") };
      await expect(journal.input(spec)).rejects.toBe(error);
      await expect(journal.close()).rejects.toBe(error);
      expect(openRecording(bench.folder)).toMatchObject({ count: 1, torn: 0 });
      const { journal: resumed } = await workshop(root, { checkpoints: signing() }).resume();
      await resumed.close();
    },
  );
});

describe("a journal that is not what its checkpoints were made of", () => {
  const made = async () => {
    const bench = workshop(undefined, { checkpoints: signing({ every: 5 }) });
    const journal = await bench.create();
    await story(journal, world);
    await journal.close();
    const lines = bench.lines();
    bench.overwrite(lines.slice(0, -1)); // not ended, so that it could be resumed
    const file = checkpointFile(bench.folder);
    const all = readFileSync(file, "utf8").trimEnd().split("\n");
    writeFileSync(
      file,
      all
        .slice(0, -1)
        .map((line) => `${line}\n`)
        .join(""),
    );
    return { bench, file, lines: lines.slice(0, -1), checkpoints: all.slice(0, -1) };
  };

  it("L5 is not resumed when its tail was cut", async () => {
    const { bench, lines } = await made();
    bench.overwrite(lines.slice(0, 4));
    await expect(bench.resume()).rejects.toMatchObject({
      code: "checkpoint-contradicts",
      exit: 5,
      message: expect.stringContaining("its tail was cut off"),
    });
  });

  it("L6 is neither resumed nor exported when it was written anew", async () => {
    const { bench, file, checkpoints } = await made();
    const other = workshop();
    const journal = await other.create();
    await story(journal, async (what) => `${what}!`);
    await journal.close();
    bench.overwrite(other.lines().slice(0, -1));
    await expect(bench.resume()).rejects.toThrow("it was rewritten");
    const target = join(bench.root, "out.jsonl");
    await expect(exportRecording(bench.folder, target, { payloadOf })).rejects.toThrow("it was rewritten");
    expect(existsSync(target)).toBe(false);
    expect(checkpoints.length).toBeGreaterThan(1);
    expect(existsSync(file)).toBe(true);
  });

  it.each<[string, (lines: readonly string[]) => readonly string[]]>([
    ["L3 a line that is none", (lines) => [`${lines[0]} `, ...lines.slice(1)]],
    ["L4 checkpoints out of order", (lines) => lines.toReversed()],
    ["L4 one twice", ([first = "", ...rest]) => [first, first, ...rest]],
    [
      "one of another run",
      (lines) => [
        signCheckpoint(key, `{"at":0,"count":1,"head":"sha256:${"0".repeat(64)}","run":"r0"}`),
        ...lines.slice(1),
      ],
    ],
  ])("is not resumed with %s among them, whose place is said", async (_, change) => {
    const { bench, file, checkpoints } = await made();
    writeFileSync(
      file,
      change(checkpoints)
        .map((line) => `${line}\n`)
        .join(""),
    );
    await expect(bench.resume()).rejects.toThrow(/checkpoints\.jsonl` is damaged at line [12], byte \d+/);
  });
});
