import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Directory } from "../../../src/vfs/directory.ts";
import type { Overlay } from "../../../src/vfs/overlay/overlay.ts";
import { Bench, bytes, contentOfDirectory, leave, NEVER, summary } from "./bench.ts";

let bench: Bench;
let overlay: Overlay;
let root: Directory;
const inside = (path: string) => join(bench.workspace, path);

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

describe("a commit", () => {
  test("applies what is chosen with the directories that it needs, and leaves the rest", async () => {
    await root.createDirectory("n");
    await root.createDirectory("n/m");
    await root.write("n/m/x", bytes("x"));
    await root.write("n/y", bytes("y"));
    await root.write("a", bytes("changed"));
    const { applied } = await overlay.commit({ only: ["n/m/x"] });
    expect(summary(applied)).toEqual(["n nothing directory", "n/m nothing directory", "n/m/x nothing file"]);
    expect(summary(overlay.changes())).toEqual(["a file file", "n/y nothing file"]);
    expect(readdirSync(inside("n"))).toEqual(["m"]);
    expect(readFileSync(inside("a"), "utf8")).toBe("a");
  });

  test("keeps permissions of a file that it replaces, but for whether it is executable", async () => {
    chmodSync(inside("a"), 0o640);
    chmodSync(inside("d/b"), 0o700);
    await overlay.absorb([left("a", "run", true), left("d/b", "run", false), left("d/e/c", "run", false)], NEVER);
    await overlay.commit({});
    expect(["a", "d/b"].map((path) => statSync(inside(path)).mode & 0o777)).toEqual([0o750, 0o600]);
  });

  test("H15 committing an overlay whose base changed: what somebody else wrote stays, unless it is to be overwritten", async () => {
    await root.write("a", bytes("run"));
    await root.remove("d/b");
    await root.write("new", bytes("run"));
    await root.write("d/e/c", bytes("run"));
    writeFileSync(inside("a"), "theirs");
    writeFileSync(inside("d/b"), "theirs");
    writeFileSync(inside("new"), "theirs");
    expect(summary(overlay.changes())).toEqual([
      "a file file conflict file",
      "d/b file nothing conflict file",
      "d/e/c file file",
      "new nothing file conflict file",
    ]);
    const { applied, refused } = await overlay.commit({});
    expect(applied.map(({ path }) => path)).toEqual(["d/e/c"]);
    expect(refused.map(({ change }) => change.path).sort()).toEqual(["a", "d/b", "new"]);
    expect(refused[0]?.reason).toContain("changed since the run saw it");
    for (const path of ["a", "d/b", "new"]) expect(readFileSync(inside(path), "utf8")).toBe("theirs");
    const forced = await overlay.commit({ overwrite: true });
    expect(forced.refused).toEqual([]);
    expect([readFileSync(inside("a"), "utf8"), existsSync(inside("d/b"))]).toEqual(["run", false]);
    expect(overlay.changes()).toEqual([]);
  });

  test("H15 a file that came where the run looked away is not overwritten either", async () => {
    await overlay.absorb([{ kind: "directory", path: "d", opaque: true }], NEVER);
    writeFileSync(inside("d/x"), "theirs");
    await root.write("d/x", bytes("run"));
    expect(summary(overlay.changes())).toContain("d/x nothing file conflict file");
  });

  test("H15 what the workspace holds already is done, and both sides at once is no conflict", async () => {
    await root.write("a", bytes("same"));
    await root.remove("d/b");
    writeFileSync(inside("a"), "same");
    rmSync(inside("d/b"));
    expect(summary(overlay.changes())).toEqual(["a file file", "d/b file nothing"]);
    expect((await overlay.commit({})).refused).toEqual([]);
    expect(overlay.changes()).toEqual([]);
  });

  test("H2 does not go through a link that took the place of a directory", async () => {
    mkdirSync(join(bench.root, "outside"));
    await root.write("d/x", bytes("run"));
    await root.remove("d/b");
    renameSync(inside("d"), inside("moved"));
    symlinkSync(join(bench.root, "outside"), inside("d"));
    writeFileSync(join(bench.root, "outside", "b"), "theirs");
    const { refused } = await overlay.commit({ overwrite: true });
    expect(refused.map(({ change }) => change.path)).toContain("d/x");
    expect(readdirSync(join(bench.root, "outside"))).toEqual(["b"]);
  });

  test.each(["/etc/passwd", "../../outside", "e/../../../x", "../d/../../x"])(
    "H4 leaves no link to `%s` behind",
    async (target) => {
      await overlay.absorb([{ kind: "link", path: "d/out", target }], NEVER);
      const { refused } = await overlay.commit({ overwrite: true });
      expect(refused[0]?.reason).toContain("the link leads to");
      expect(readdirSync(inside("d"))).toEqual(["b", "e"]);
    },
  );

  test("H4 commits links that stay inside", async () => {
    await overlay.absorb([{ kind: "link", path: "d/e/up", target: "../../a" }], NEVER);
    await overlay.commit({});
    expect(readlinkSync(inside("d/e/up"))).toBe("../../a");
  });

  test("H5 refuses to replace a file with further names, and says so", async () => {
    await root.write("a", bytes("run"));
    linkSync(inside("a"), join(bench.root, "other"));
    const { refused } = await overlay.commit({});
    expect(refused[0]?.reason).toContain("hard links");
    expect(readFileSync(join(bench.root, "other"), "utf8")).toBe("a");
  });

  test("H9 nothing that the host trusts is there before", async () => {
    await root.write("agent.yaml", bytes("kind: AgentBlueprint"));
    await root.createDirectory(".pinion");
    await root.write(".pinion/config.yaml", bytes("trust: everything"));
    expect(readdirSync(bench.workspace).sort()).toEqual(["a", "d"]);
  });
});

describe("discarding", () => {
  test("forgets what is chosen, brings back the directories that it needs, and survives a reopening", async () => {
    await overlay.absorb([{ kind: "nothing", path: "d" }, left("a", "run")], NEVER);
    const undone = await overlay.discard(["d/e/c"]);
    expect(summary(undone)).toEqual(["d directory nothing", "d/e directory nothing", "d/e/c file nothing"]);
    await reopen();
    expect(contentOfDirectory(root)).toEqual(
      new Map([
        ["a", "file run"],
        ["d", "directory"],
        ["d/e", "directory"],
        ["d/e/c", "file c"],
      ]),
    );
    expect(summary(await overlay.discard())).toEqual(["a file file", "d/b file nothing"]);
    expect([overlay.used, overlay.hidden(), overlay.changes()]).toEqual([{ bytes: 0, files: 0 }, [], []]);
  });
});
