import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { digestOf } from "../../../src/model/canonical.ts";
import type { Directory } from "../../../src/vfs/directory.ts";
import type { Incoming, Overlay } from "../../../src/vfs/overlay/overlay.ts";
import { Bench, bytes, contentOfDirectory, leave, NEVER, summary } from "./bench.ts";

const text = (data: Uint8Array | undefined) => data && Buffer.from(data).toString();

let bench: Bench;
let overlay: Overlay;
let root: Directory;
const inside = (path: string) => join(bench.workspace, path);
const upper = (path: string) => join(bench.folder, "upper", path);

async function reopen(options: Parameters<Bench["open"]>[0] = {}): Promise<void> {
  bench.closeAll();
  overlay = await bench.open(options);
  root = overlay.open(["read", "write"]);
}

const left = (path: string, content: string, executable = false) => leave(bench, path, content, executable);

beforeEach(async () => {
  bench = new Bench();
  mkdirSync(inside("d/e"), { recursive: true });
  writeFileSync(inside("a"), "a");
  writeFileSync(inside("d/b"), "b");
  writeFileSync(inside("d/e/c"), "c");
  await reopen();
});
afterEach(() => bench.close());

describe("an overlay", () => {
  test("leaves the workspace alone until it is committed", async () => {
    await root.write("a", bytes("changed"));
    await root.write("d/new", bytes("new"));
    await root.rename("d/e", "e");
    await root.remove("d/b");
    await overlay.absorb([left("d/x", "x")], NEVER);
    expect(readFileSync(inside("a"), "utf8")).toBe("a");
    expect(readdirSync(bench.workspace, { recursive: true }).sort()).toEqual(["a", "d", "d/b", "d/e", "d/e/c"]);
  });

  test("shows what the workspace becomes where the run changed nothing", async () => {
    await root.write("d/b", bytes("changed"));
    writeFileSync(inside("a"), "theirs");
    writeFileSync(inside("d/theirs"), "theirs");
    expect(text(root.read("a", { offset: 0, length: 10 }))).toBe("theirs");
    expect(root.list("d").entries.map(({ name }) => name)).toEqual(["b", "e", "theirs"]);
    expect(summary(overlay.changes())).toEqual(["d/b file file"]);
  });

  test("tells its changes with digests, sizes and what is executable", async () => {
    chmodSync(inside("a"), 0o755);
    await root.write("a", bytes("longer"));
    expect(overlay.changes()).toEqual([
      {
        path: "a",
        before: { kind: "file", digest: digestOf("a"), size: 1, executable: true },
        after: { kind: "file", digest: digestOf("longer"), size: 6, executable: true },
      },
    ]);
  });

  test("a change that is taken back by hand is none", async () => {
    await root.write("a", bytes("changed"));
    await root.write("a", bytes("a"));
    await root.write("new", bytes("x"));
    await root.remove("new");
    await root.rename("d/b", "b");
    await root.rename("b", "d/b");
    expect(overlay.changes()).toEqual([]);
  });

  test("a directory that is gone is the deletion of all that the run saw in it", async () => {
    await overlay.absorb([{ kind: "nothing", path: "d" }], NEVER);
    writeFileSync(inside("d/theirs"), "theirs");
    expect(overlay.hidden()).toEqual(["d"]);
    expect(summary(overlay.changes())).toEqual([
      "d directory nothing",
      "d/b file nothing",
      "d/e directory nothing",
      "d/e/c file nothing",
    ]);
    const { applied, refused } = await overlay.commit({});
    expect(summary(applied)).toEqual(["d/e/c file nothing", "d/e directory nothing", "d/b file nothing"]);
    expect(refused.map(({ reason }) => reason)).toEqual(["`d`: the directory holds what the run did not take away"]);
    expect(readdirSync(inside("d"))).toEqual(["theirs"]);
  });

  test("keeps what the workspace held before, for when the workspace changes", async () => {
    await root.write("a", bytes("run"));
    writeFileSync(inside("a"), "theirs");
    const [change] = overlay.changes();
    if (change === undefined) throw new Error("no change");
    const side = (side: "before" | "after" | "now") => text(overlay.content(change, side, 100));
    expect([side("before"), side("after"), side("now")]).toEqual(["a", "run", "theirs"]);
    expect(overlay.content(change, "after", 2)).toBeUndefined();
    await reopen();
    expect(text(overlay.content(change, "before", 100))).toBe("a");
  });

  test.each(["removed", "absorbed"])("keeps it for a file that is gone, too: %s", async (how) => {
    const since = statSync(inside("a"), { bigint: true }).ctimeNs + 1n;
    if (how === "removed") await root.remove("a");
    else await overlay.absorb([{ kind: "nothing", path: "a" }], since);
    writeFileSync(inside("a"), "theirs");
    const [change] = overlay.changes();
    expect(change).toMatchObject({ after: { kind: "nothing" }, conflict: { kind: "file" } });
    expect(change && text(overlay.content(change, "before", 100))).toBe("a");
  });

  test("a file of the workspace that is large is recorded by its digest, and not kept", async () => {
    truncateSync(inside("a"), 9 * 1024 * 1024);
    await root.write("a", bytes("small"));
    writeFileSync(inside("a"), "theirs");
    const [change] = overlay.changes();
    if (change === undefined) throw new Error("no change");
    expect(change).toMatchObject({ before: { kind: "file", size: 9 * 1024 * 1024 }, conflict: { kind: "file" } });
    expect(overlay.content(change, "before", 2 ** 30)).toBeUndefined();
    expect(readdirSync(join(bench.folder, "kept"))).toEqual([]);
  });

  test("files get no permissions but to be executed, whatever a process set", async () => {
    const setuid = left("d/tool", "tool", true);
    if (setuid.kind === "file") chmodSync(setuid.source, 0o6777);
    await overlay.absorb([setuid], NEVER);
    expect(statSync(upper("d/tool")).mode & 0o7777).toBe(0o755);
    await overlay.commit({});
    expect(statSync(inside("d/tool")).mode & 0o7777).toBe(0o777 & ~process.umask());
  });

  test("a layer inside of its workspace is refused, and a workspace inside of its layer", async () => {
    await expect(bench.open({ folder: inside("d/run") })).rejects.toMatchObject({ code: "layer-in-workspace" });
    const folder = bench.root;
    await expect(bench.open({ folder })).rejects.toMatchObject({ code: "layer-in-workspace" });
    symlinkSync(bench.workspace, join(bench.root, "elsewhere"));
    const hidden = join(bench.root, "elsewhere", "run");
    await expect(bench.open({ folder: hidden })).rejects.toMatchObject({ code: "layer-in-workspace" });
  });

  test("one that is opened for reading shows everything and changes nothing", async () => {
    await root.write("a", bytes("changed"));
    const before = readFileSync(join(bench.folder, "layer.jsonl"));
    const reader = await bench.open({ readOnly: true });
    expect(summary(reader.changes())).toEqual(["a file file"]);
    await expect(reader.open(["read", "write"]).write("a", bytes("x"))).rejects.toMatchObject({ code: "read-only" });
    await expect(reader.commit({})).rejects.toMatchObject({ code: "read-only" });
    await expect(reader.discard()).rejects.toMatchObject({ code: "read-only" });
    await expect(bench.open({ folder: join(bench.root, "none"), readOnly: true })).rejects.toThrow("no layer");
    expect(readFileSync(join(bench.folder, "layer.jsonl"))).toEqual(before);
  });

  test("H6 magic links of the workspace lead nowhere, to read, to write and to move", async () => {
    const proc = (await bench.open({ base: "/proc" })).open(["read", "write"]);
    for (const path of ["self", "self/cwd", "self/root/etc/passwd", `${process.pid}/root/etc/passwd`, "self/fd/0"]) {
      expect(() => proc.read(path, { offset: 0, length: 1 }), path).toThrow(/link/);
      await expect(proc.write(path, bytes("x")), path).rejects.toMatchObject({ code: "link" });
      if (path.includes("/")) await expect(proc.rename(path, "moved")).rejects.toMatchObject({ code: "link" });
    }
  });

  test("after its close nothing works", async () => {
    overlay.close();
    overlay.close();
    expect(() => root.list(".")).toThrow(/closed/);
    await expect(root.write("a", bytes("x"))).rejects.toMatchObject({ code: "closed" });
    await expect(overlay.commit({})).rejects.toMatchObject({ code: "closed" });
  });

  test("changes that are asked for at the same time happen one after the other", async () => {
    const writes = Array.from({ length: 20 }, (_, index) => root.write(`d/e/${index % 4}`, bytes(String(index))));
    await Promise.all([...writes, root.rename("d", "moved"), root.createDirectory("d")]);
    expect(contentOfDirectory(root)).toEqual(
      new Map([
        ["a", "file a"],
        ["d", "directory"],
        ["moved", "directory"],
        ["moved/b", "file b"],
        ["moved/e", "directory"],
        ...["16", "17", "18", "19"].map((last, name): [string, string] => [`moved/e/${name}`, `file ${last}`]),
        ["moved/e/c", "file c"],
      ]),
    );
  });
});

describe("what a process left", () => {
  test("comes in as a whole or not at all", async () => {
    const incoming: Incoming[] = [left("d/b", "changed"), left("n/x", "no directory above")];
    await expect(overlay.absorb(incoming, NEVER)).rejects.toMatchObject({ code: "not-a-directory" });
    await reopen({ quota: { bytes: 10, files: 100 } });
    const large = [left("d/b", "changed"), { kind: "nothing", path: "a" } as const, left("d/big", "x".repeat(10))];
    await expect(overlay.absorb(large, NEVER)).rejects.toMatchObject({ code: "quota" });
    expect(overlay.changes()).toEqual([]);
    expect([overlay.used, readdirSync(join(bench.folder, "staging"))]).toEqual([{ bytes: 0, files: 0 }, []]);
  });

  test("ends the handles of directories that it replaced, and no others", async () => {
    const [above, below] = [root.openDirectory("d"), root.openDirectory("d/e")];
    await overlay.absorb([{ kind: "directory", path: "d/e", opaque: true }, left("d/e/x", "x")], NEVER);
    expect(() => below.list(".")).toThrow("no such file or directory");
    expect(above.list("e").entries.map(({ name }) => name)).toEqual(["x"]);
  });

  test("that is as it was before is no change and takes no room", async () => {
    await overlay.absorb([left("d/b", "b"), { kind: "directory", path: "d", opaque: false }], NEVER);
    expect([overlay.changes(), overlay.used]).toEqual([[], { bytes: 0, files: 0 }]);
  });

  test("H15 what changed in the workspace meanwhile is in conflict and not committed", async () => {
    const since = statSync(inside("a"), { bigint: true }).ctimeNs + 1n;
    while (statSync(inside("a"), { bigint: true }).ctimeNs < since) writeFileSync(inside("a"), "theirs");
    await overlay.absorb([left("a", "run"), left("d/b", "run")], since);
    expect(summary(overlay.changes())).toEqual(["a other file conflict file", "d/b file file"]);
    const { refused } = await overlay.commit({});
    expect(refused).toHaveLength(1);
    expect([readFileSync(inside("a"), "utf8"), readFileSync(inside("d/b"), "utf8")]).toEqual(["theirs", "run"]);
  });

  test("H14 is never a device, FIFO or socket, and never what a link leads to", async () => {
    const source = join(bench.left, "link");
    symlinkSync("/etc/passwd", source);
    const incoming: Incoming = { kind: "file", path: "d/x", source, executable: false };
    await expect(overlay.absorb([incoming], NEVER)).rejects.toMatchObject({ code: "special-file" });
    await expect(overlay.absorb([{ ...incoming, source: "/dev/zero" }], NEVER)).rejects.toMatchObject({
      code: "special-file",
    });
    expect(overlay.changes()).toEqual([]);
  });

  test("H5 a file with another name outside is copied: neither its content nor its permissions are shared", async () => {
    const outside = join(bench.root, "outside");
    writeFileSync(outside, "theirs", { mode: 0o600 });
    linkSync(outside, join(bench.left, "hard"));
    await overlay.absorb([{ kind: "file", path: "d/x", source: join(bench.left, "hard"), executable: true }], NEVER);
    expect(statSync(upper("d/x")).nlink).toBe(1);
    expect(statSync(outside).mode & 0o777).toBe(0o600);
  });

  test.each(["..", "../x", "/etc/x", ".", "d/../a", "d//b"])("H1 does not come to `%s`", async (path) => {
    await expect(overlay.absorb([{ kind: "nothing", path }], NEVER)).rejects.toMatchObject({ code: "bad-path" });
  });
});

describe("H13 the quota", () => {
  test("counts sizes, not blocks, and nodes; it holds before the write and after a reopening", async () => {
    const quota = { bytes: 10, files: 3 };
    await reopen({ quota });
    await root.write("d/x", bytes("123456"));
    expect(overlay.used).toEqual({ bytes: 6, files: 2 });
    await expect(root.write("d/y", bytes("12345"))).rejects.toThrow("10 bytes are allowed, 6 are used");
    await reopen({ quota });
    await expect(root.rename("d/e", "e")).rejects.toMatchObject({ code: "quota" });
    await root.write("d/y", bytes("1234"));
    await expect(root.createDirectory("z")).rejects.toMatchObject({ code: "quota" });
    await root.write("d/x", bytes(""));
    await root.remove("d/y");
    expect(overlay.used).toEqual({ bytes: 0, files: 2 });
  });

  test("a sparse terabyte counts as one", async () => {
    const sparse = left("d/sparse", "");
    if (sparse.kind === "file") truncateSync(sparse.source, 2 ** 40);
    await expect(overlay.absorb([sparse], NEVER)).rejects.toMatchObject({ code: "quota" });
    truncateSync(inside("a"), 2 ** 40);
    await expect(root.rename("a", "b")).rejects.toMatchObject({ code: "quota" });
  });
});

describe("a damaged layer", () => {
  const log = () => join(bench.folder, "layer.jsonl");

  test("is an error with its position, whichever byte is another", async () => {
    await root.write("a", bytes("run"));
    await root.remove("d/b");
    bench.closeAll();
    const whole = readFileSync(log());
    for (let at = 0; at < whole.length - 1; at += 7) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      writeFileSync(log(), flipped);
      await expect(bench.open(), `byte ${at}`).rejects.toThrow(/is damaged at line \d+, byte \d+|has the format/);
    }
    writeFileSync(log(), whole);
    await reopen();
    expect(summary(overlay.changes())).toEqual(["a file file", "d/b file nothing"]);
  });

  test("a torn last line is cut off, and writing goes on behind the last whole one", async () => {
    await root.write("a", bytes("run"));
    bench.closeAll();
    appendFileSync(log(), '{"is":{"hidden":true,"path":"d"},"su');
    await reopen();
    await root.remove("d/b");
    await reopen();
    expect(summary(overlay.changes())).toEqual(["a file file", "d/b file nothing"]);
  });

  test("a file in the layer of which the log knows nothing is committed over nothing", async () => {
    bench.closeAll();
    writeFileSync(upper("a"), "from nowhere");
    await reopen();
    expect(summary(overlay.changes())).toEqual(["a other file conflict file"]);
    expect((await overlay.commit({})).refused).toHaveLength(1);
  });
});
