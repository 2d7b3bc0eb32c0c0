import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Directory } from "../../src/vfs/directory.ts";
import { openHostDirectory } from "../../src/vfs/host.ts";
import { replaceFile } from "../../src/vfs/replace.ts";
import { Descriptor } from "../../src/vfs/walk.ts";

let folder: string;
let root: Directory;
const text = (data: Uint8Array) => Buffer.from(data).toString();
const bytes = (data: string) => Buffer.from(data);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pinion-vfs-"));
  root = openHostDirectory(folder, { actions: ["read", "write"], limits: { bytes: 1000, entries: 20 } });
});
afterEach(() => {
  root.close();
  rmSync(folder, { recursive: true });
});

describe("a directory of the host", () => {
  test("reads ranges of a file", () => {
    writeFileSync(join(folder, "a"), "hello world");
    expect(text(root.read("a", { offset: 0, length: 1000 }))).toBe("hello world");
    expect(text(root.read("a", { offset: 6, length: 3 }))).toBe("wor");
    expect(text(root.read("a", { offset: 100, length: 3 }))).toBe("");
  });

  test("refuses ranges that are none, and reads above the limit", () => {
    writeFileSync(join(folder, "a"), "hello");
    for (const range of [
      { offset: -1, length: 1 },
      { offset: 0, length: -1 },
      { offset: 0.5, length: 1 },
      { offset: Number.NaN, length: 1 },
    ]) {
      expect(() => root.read("a", range)).toThrow(/whole numbers/);
    }
    expect(() => root.read("a", { offset: 0, length: 1001 })).toThrow(/limit of 1000/);
  });

  test("writes new files and replaces old ones, keeping permission bits and leaving no temporary file", async () => {
    await root.write("new", bytes("1"));
    writeFileSync(join(folder, "run.sh"), "old");
    chmodSync(join(folder, "run.sh"), 0o755);
    await root.write("run.sh", bytes("new"));
    expect(readFileSync(join(folder, "run.sh"), "utf8")).toBe("new");
    expect(statSync(join(folder, "run.sh")).mode & 0o777).toBe(0o755);
    expect(readdirSync(folder).sort()).toEqual(["new", "run.sh"]);
  });

  test("a reader of the old file keeps the old content: the file is replaced, not written into", async () => {
    await root.write("a", bytes("old"));
    const file = root.openFile("a");
    await root.write("a", bytes("new"));
    expect(text(file.read({ offset: 0, length: 10 }))).toBe("old");
    file.close();
    expect(() => file.read({ offset: 0, length: 1 })).toThrow(/closed/);
  });

  test("a write that fails leaves the old content and no temporary file", async () => {
    mkdirSync(join(folder, "a"));
    await expect(root.write("a", bytes("x"))).rejects.toMatchObject({ code: "is-a-directory" });
    await expect(root.write("big", new Uint8Array(1001))).rejects.toMatchObject({ code: "too-large" });
    await expect(root.write("missing/a", bytes("x"))).rejects.toMatchObject({ code: "not-found" });
    expect(readdirSync(folder)).toEqual(["a"]);
  });

  test("a write that fails at the last step leaves no temporary file either", async () => {
    /** Puts a directory in the way between the look at the target and the rename. */
    class Racing extends Descriptor {
      #looks = 0;
      override at(name: string): string {
        if (name === "a" && this.#looks++ === 1) mkdirSync(join(folder, "a"));
        return super.at(name);
      }
    }
    using parent = new Racing(openSync(folder, "r"));
    await expect(replaceFile(parent, "a", "a", bytes("x"))).rejects.toMatchObject({ code: "EISDIR" });
    expect(readdirSync(folder)).toEqual(["a"]);
  });

  test("steps over temporary files that a crash left behind", async () => {
    writeFileSync(join(folder, ".pinion-write-0"), "left over");
    await root.write("a", bytes("x"));
    expect(readFileSync(join(folder, "a"), "utf8")).toBe("x");
    expect(readFileSync(join(folder, ".pinion-write-0"), "utf8")).toBe("left over");
  });

  test("D3 directory order: names come sorted by code unit, whatever the order on disk", () => {
    for (const name of ["b", "a", "Z", "ä", "10", "9", "\u{1f600}", "\uffee"]) writeFileSync(join(folder, name), "x");
    expect(root.list(".").entries.map((entry) => entry.name)).toEqual([
      "10",
      "9",
      "Z",
      "a",
      "b",
      "ä",
      "\u{1f600}",
      "\uffee",
    ]);
  });

  test("lists kinds and sizes, and counts the names that no path can spell", () => {
    mkdirSync(join(folder, "d"));
    writeFileSync(join(folder, "f"), "123");
    symlinkSync("f", join(folder, "l"));
    writeFileSync(Buffer.concat([bytes(`${folder}/`), Buffer.from([0xff, 0xfe])]), "x");
    writeFileSync(join(folder, "dot."), "x");
    const { entries, unnameable } = root.list(".");
    expect(entries.map(({ name, kind }) => [name, kind])).toEqual([
      ["d", "directory"],
      ["f", "file"],
      ["l", "link"],
    ]);
    expect(entries[1]?.size).toBe(3);
    expect(unnameable).toBe(2);
  });

  test("makes, moves and removes files and directories", async () => {
    await root.createDirectory("d");
    await root.write("d/a", bytes("x"));
    await root.rename("d/a", "b");
    expect(root.stat("b")).toMatchObject({ kind: "file", size: 1, links: 1 });
    await expect(root.createDirectory("d")).rejects.toMatchObject({ code: "exists" });
    await expect(root.rename("b", "d")).rejects.toMatchObject({ code: "exists" });
    await root.remove("d");
    await root.remove("b");
    await expect(root.remove("b")).rejects.toMatchObject({ code: "not-found" });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a directory that is not empty is not removed", async () => {
    await root.createDirectory("d");
    await root.write("d/a", bytes("x"));
    await expect(root.remove("d")).rejects.toMatchObject({ code: "not-empty" });
    await expect(root.rename("d", "d/e")).rejects.toMatchObject({ code: "refused" });
  });

  test("the directory itself is neither written, removed nor renamed", async () => {
    await expect(root.write(".", bytes("x"))).rejects.toMatchObject({ code: "is-a-directory" });
    await expect(root.remove(".")).rejects.toMatchObject({ code: "is-a-directory" });
    await expect(root.rename(".", "a")).rejects.toMatchObject({ code: "is-a-directory" });
  });

  test("a handle to a directory below keeps to it, also after the directory was moved", async () => {
    await root.createDirectory("d");
    const below = root.openDirectory("d");
    await root.rename("d", "e");
    await below.write("a", bytes("x"));
    expect(readFileSync(join(folder, "e/a"), "utf8")).toBe("x");
    expect(() => below.stat("../e")).toThrow(/is not accepted/);
    below.close();
  });

  test("after close nothing works, not even with a descriptor number that was given out again", async () => {
    const below = root.openDirectory(".");
    below.close();
    below.close();
    expect(() => below.stat(".")).toThrow(/closed/);
    expect(() => below.descriptor()).toThrow(/closed/);
    await expect(below.write("a", bytes("x"))).rejects.toMatchObject({ code: "closed" });
  });

  test("no call leaves a descriptor open, whether it succeeds or fails", async () => {
    writeFileSync(join(folder, "f"), "x");
    symlinkSync("f", join(folder, "l"));
    mkdirSync(join(folder, "d/e"), { recursive: true });
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    for (let round = 0; round < 20; round++) {
      root.read("f", { offset: 0, length: 1 });
      root.list("d/e");
      root.stat("d/e");
      await root.write("d/e/f", bytes("x"));
      for (const path of ["l", "d", "missing", "f/x", "l/x", "d/missing/x", ".."]) {
        expect(() => root.read(path, { offset: 0, length: 1 })).toThrow();
        await expect(root.rename(path, "f/x")).rejects.toThrow();
        await expect(root.write(`${path}/y/z`, bytes("x"))).rejects.toThrow();
      }
    }
    expect(open()).toBe(before);
  });

  test("errors name the path in the workspace and never the host's", async () => {
    const faults = await Promise.allSettled([
      Promise.resolve().then(() => root.read("missing/deep", { offset: 0, length: 1 })),
      root.write("missing/x", bytes("x")),
      root.rename("missing", "x"),
      Promise.resolve().then(() => root.list("missing")),
    ]);
    for (const fault of faults) {
      expect(fault.status).toBe("rejected");
      expect(String((fault as PromiseRejectedResult).reason)).not.toMatch(/proc|tmp|ENOENT/);
      expect(String((fault as PromiseRejectedResult).reason)).toContain("missing");
    }
  });

  test("what is not a directory cannot be opened", () => {
    writeFileSync(join(folder, "f"), "x");
    expect(() => openHostDirectory(join(folder, "none"), { actions: [] })).toThrow(/ENOENT/);
    expect(() => openHostDirectory(join(folder, "f"), { actions: [] })).toThrow(/ENOTDIR/);
  });
});
