import { readdirSync } from "node:fs";
import { describe, expect } from "vitest";
import type { Directory } from "../../src/vfs/directory.ts";
import { bytes, type Case, codeOf, file, type Kind, namesIn, RANGE, textOf } from "./trial.ts";

/** Every way in by path, and the codes with which each is refused. */
async function everyWay(root: Directory, path: string): Promise<readonly unknown[]> {
  const ways = [
    () => root.read(path, RANGE),
    () => root.openDirectory(path).close(),
    () => root.list(path),
    () => root.write(path, bytes("x")),
    () => root.createDirectory(path),
    () => root.openFile(path).close(),
  ];
  return Promise.all(ways.map(codeOf));
}

/** What every `Directory` does about paths and nodes that somebody hostile chose. */
export function hazards(kind: Kind, given: Case): void {
  describe(`${kind.name}, hostile paths and nodes`, () => {
    given("H1 traversal: no spelling leaves the directory", { "dir/file": file("x") }, async ({ root }) => {
      for (const path of ["../x", "dir/../../x", "/etc/passwd", "dir//file", "..\\x", "dir/", "./dir", ""]) {
        expect(new Set(await everyWay(root, path)), path).toEqual(new Set(["bad-path"]));
      }
      expect(new Set(await everyWay(root, "%2e%2e/x"))).toEqual(new Set(["not-found"]));
    });

    given(
      "H2 symbolic links: leaf, middle, chain and loop are refused, to the outside and to the inside",
      {
        "dir/file": file("x"),
        leaf: { kind: "link", target: "/etc/passwd" },
        "leaf-inside": { kind: "link", target: "dir/file" },
        middle: { kind: "link", target: "/etc" },
        chain: { kind: "link", target: "middle" },
        loop: { kind: "link", target: "loop" },
        dangling: { kind: "link", target: "nowhere" },
      },
      async ({ root }) => {
        const paths = ["leaf", "leaf-inside", "middle", "middle/passwd", "chain/passwd", "loop", "loop/x", "dangling"];
        for (const path of paths) {
          for (const code of await everyWay(root, path)) expect(["link", "exists"], path).toContain(code);
        }
        expect(root.stat("leaf").kind).toBe("link");
        await root.rename("leaf", "dir/moved");
        expect(root.stat("dir/moved").kind).toBe("link");
        await root.remove("dir/moved");
        expect(namesIn(root, "dir")).toEqual(["file"]);
      },
    );

    given(
      "H4 a link that was moved is refused where it arrives",
      { "dir/up": { kind: "link", target: "../.." }, d: { kind: "directory" } },
      async ({ root }) => {
        await root.rename("dir/up", "d/up");
        for (const path of ["d/up", "d/up/x"]) {
          for (const code of await everyWay(root, path)) expect(["link", "exists"], path).toContain(code);
        }
      },
    );

    given(
      "H5 hard links: a file with further names is not written",
      { hard: { kind: "file", text: "theirs", otherNames: 1 } },
      async ({ root }) => {
        expect(await codeOf(() => root.write("hard", bytes("x")))).toBe("hard-link");
        expect(textOf(root, "hard")).toBe("theirs");
      },
    );

    given("H7 NUL: a path that hides its end is refused", { f: file("x") }, async ({ root }) => {
      expect(new Set(await everyWay(root, "f\0.txt"))).toEqual(new Set(["bad-path"]));
    });

    given("H8 a name with a trailing dot or space is refused", { f: file("x") }, async ({ root }) => {
      for (const path of ["f.", "f ", "d./f"]) {
        expect(new Set(await everyWay(root, path)), path).toEqual(new Set(["bad-path"]));
      }
    });

    given("H14 FIFOs are neither opened nor waited for", { "d/fifo": { kind: "fifo" } }, async ({ root }) => {
      expect(root.stat("d/fifo").kind).toBe("special");
      expect(await codeOf(() => root.read("d/fifo", RANGE))).toBe("special-file");
      expect(await codeOf(() => root.write("d/fifo", bytes("x")))).toBe("special-file");
    });

    given(
      "no call leaves a descriptor open, whether it succeeds or fails",
      { f: file("x"), "d/e/g": file("g") },
      async (trial) => {
        const { root } = trial;
        const open = () => readdirSync("/proc/self/fd").length;
        await round(root);
        const before = open();
        for (let count = 0; count < 5; count++) await round(root);
        expect(open()).toBe(before);
      },
    );
  });
}

async function round(root: Directory): Promise<void> {
  root.read("f", RANGE);
  root.list("d/e");
  root.stat("d/e");
  root.openDirectory("d").close();
  await root.write("d/e/f", bytes("x"));
  await root.rename("d/e", "d/x");
  await root.rename("d/x", "d/e");
  await root.createDirectory("n");
  await root.remove("n");
  for (const path of ["d", "missing", "f/x", "d/missing/x", ".."]) {
    for (const action of [
      () => root.read(path, RANGE),
      () => root.rename(path, "f/x"),
      () => root.write(`${path}/y/z`, bytes("x")),
      () => root.remove(`${path}/y`),
      () => root.createDirectory(`${path}/y/z`),
    ]) {
      expect(await codeOf(action)).not.toBe("done");
    }
  }
}
