import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { exportRecording } from "../../src/journal/export.ts";
import { openRecording } from "../../src/journal/recording.ts";
import { WorldError } from "../../src/model/errors.ts";
import { boundary, story } from "../journal/story.ts";
import { watchedDisk } from "../journal/watched-disk.ts";
import { temporary, workshop } from "../journal/workshop.ts";

const failure = (code: string) => Object.assign(new Error(`${code}: from the test`), { code });

/** A disk whose `call` on a path like `where` fails from the moment that `broken.from` is set; counts what it was asked. */
function breaking(call: string, where: RegExp, code: string) {
  const state = { broken: false, after: [] as string[] };
  const disk = watchedDisk((name, path) => {
    if (state.broken) state.after.push(name);
    if (state.broken && name === call && where.test(path)) throw failure(code);
  });
  return { state, disk };
}

describe("L7 N5 a disk that is full or fails", () => {
  it.each([
    ["write", /journal\.jsonl/, "ENOSPC"],
    ["datasync", /journal\.jsonl/, "EIO"],
    ["open", /blobs/, "ENOSPC"],
    ["write", /blobs/, "ENOSPC"],
    ["sync", /blobs/, "EIO"],
    ["rename", /blobs/, "EIO"],
  ])(
    "stops the run for good when `%s` fails on %s: nothing is tried again, no effect starts",
    async (call, where, code) => {
      const { state, disk } = breaking(call, where, code);
      const bench = workshop(undefined, { disk });
      const journal = await bench.create();
      await journal.input({ kind: "input.start", ref: {}, request: null, perform: async () => "x".repeat(100_000) });
      const receipt = boundary(journal, "pre-tool");
      state.broken = true;
      let performed = false;
      const spec = {
        kind: "input.tool" as const,
        ref: {},
        request: null,
        effect: { receipt, clear: {}, idempotent: true },
        perform: async () => {
          performed = true;
          return null;
        },
      };
      const error: unknown = await journal.input(spec).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(WorldError);
      expect(String(error)).toContain(code);
      expect(performed).toBe(false);
      const { length } = state.after;
      await expect(journal.input(spec)).rejects.toBe(error);
      const { effect: _, ...reading } = spec;
      await expect(journal.input(reading)).rejects.toBe(error);
      await expect(journal.durable()).rejects.toBe(error);
      expect(() => journal.check("check.state", {})).toThrow(WorldError);
      await expect(journal.close()).rejects.toBe(error);
      expect(performed).toBe(false);
      expect(state.after.slice(length)).toEqual(["close"]);
      const { journal: resumed } = await workshop(bench.root).resume();
      expect(resumed.count).toBe(0);
      await resumed.close();
    },
  );

  it("has everything on disk, names included, before what relies on it", async () => {
    const calls: string[] = [];
    const disk = watchedDisk((call, path) => calls.push(`${call} ${basename(path).replace(/^[0-9a-f]{64}/, "blob")}`));
    const root = join(temporary(), "root");
    mkdirSync(root);
    const journal = await workshop(root, { disk }).create();
    const syncs = () =>
      calls
        .splice(0)
        .filter((call) => !/^(open|close|mkdir|unlink|stat) /.test(call) && !call.startsWith("write r1.key"));
    expect(syncs()).toEqual([
      ...["sync runs", "sync root"],
      ...["write journal.jsonl", "sync journal.jsonl", "sync r1", "sync runs"],
      ...["sync root", "sync r1.key", "sync keys"],
    ]);
    await journal.input({ kind: "input.start", ref: {}, request: null, perform: async () => "x".repeat(70_000) });
    expect(syncs()).toEqual([]);
    await journal.durable();
    const distinct = syncs().filter((call, i, all) => call !== all[i - 1]);
    expect(distinct).toEqual([
      ...["sync r1", "write blob.partial", "sync blob.partial", "rename blob", "sync blobs"],
      ...["write journal.jsonl", "datasync journal.jsonl"],
    ]);
    await journal.close();
  });

  it("shows nothing that is not on disk", async () => {
    const { state, disk } = breaking("datasync", /journal/, "EIO");
    const shown: number[] = [];
    const journal = await workshop(undefined, {
      disk,
      onDurable: (entries) => shown.push(...entries.map(({ seq }) => seq)),
    }).create();
    journal.check("check.hooks", {});
    await journal.durable();
    journal.check("check.state", {});
    state.broken = true;
    await expect(journal.durable()).rejects.toThrow(WorldError);
    await expect(journal.close()).rejects.toThrow(WorldError);
    expect(shown).toEqual([0]);
  });

  it.each([
    ["header", "write", /journal\.jsonl/],
    ["header", "sync", /journal\.jsonl/],
    ["key", "write", /\.key/],
    ["key", "sync", /\.key|keys/],
  ])("a run whose %s cannot be written does not begin, and leaves no lock", async (_, call, where) => {
    const { state, disk } = breaking(call, where, "ENOSPC");
    state.broken = true;
    const bench = workshop(undefined, { disk });
    await expect(bench.create()).rejects.toThrow(WorldError);
    expect(readdirSync(bench.folder).filter((name) => name.startsWith("writer-"))).toEqual([]);
  });

  it("leaves no half recording", async () => {
    const bench = workshop();
    const journal = await bench.create();
    await story(journal, async (what) => what);
    await journal.close();
    for (const call of ["open", "write", "sync", "rename"]) {
      const { state, disk } = breaking(call, /out\.jsonl/, "ENOSPC");
      state.broken = true;
      await expect(exportRecording(bench.folder, join(bench.root, "out.jsonl"), { disk })).rejects.toThrow(WorldError);
      expect(readdirSync(bench.root).sort()).toEqual(["keys", "runs"]);
    }
  });

  const inTmpfs = (script: string, ...args: string[]) =>
    spawnSync("unshare", ["-rm", "sh", "-c", `mount -t tmpfs -o size=96k none "$1" && ${script}`, "sh", ...args], {
      encoding: "utf8",
    });
  const mountable = inTmpfs("true", "/mnt").status === 0;

  it.runIf(mountable)("stops on a file system that is really full (where the system lets us mount one)", () => {
    const root = temporary();
    const victim = fileURLToPath(new URL("../journal/victim.ts", import.meta.url));
    const ran = inTmpfs(
      '"$2" "$3" "$1" 2>"$4"/err; echo $? >"$4"/rc; cp -r "$1" "$4"/kept',
      ...[temporary(), execPath, victim, root],
    );
    expect(ran.stderr).toBe("");
    expect(readFileSync(join(root, "rc"), "utf8")).toBe("1\n");
    expect(readFileSync(join(root, "err"), "utf8")).toContain("cannot be written: ENOSPC");
    expect(existsSync(join(root, "kept", "world.log"))).toBe(true);
    expect(openRecording(join(root, "kept", "runs", "r1"))).toMatchObject({ complete: false });
  });
});
