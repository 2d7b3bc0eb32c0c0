import { describe, expect, test } from "vitest";
import { hazards } from "./hazards.ts";
import { bytes, type Case, codeOf, file, type Kind, namesIn, RANGE, textOf } from "./trial.ts";

/** What every `Directory` promises, whatever is behind it. */
export function directoryContract(kind: Kind): void {
  const given: Case = (title, files, body) => {
    const reason = kind.skips?.[title];
    const run = async () => {
      const trial = await kind.start(files);
      try {
        await body(trial);
      } finally {
        trial.close();
      }
    };
    if (reason === undefined) test(title, run);
    else test.skip(`${title} (${reason})`, run);
  };

  describe(kind.name, () => {
    given("reads ranges of a file", { a: file("hello world") }, async ({ root }) => {
      expect(textOf(root, "a")).toBe("hello world");
      expect(Buffer.from(root.read("a", { offset: 6, length: 3 })).toString()).toBe("wor");
      expect(root.read("a", { offset: 100, length: 3 })).toHaveLength(0);
    });

    given(
      "says what a link says and follows it nowhere, and of what is no link that it is none",
      { "d/l": { kind: "link", target: "../../outside" }, a: file("hello") },
      async ({ root }) => {
        expect(root.link("d/l")).toBe("../../outside");
        expect(root.openDirectory("d").link("l")).toBe("../../outside");
        for (const path of ["a", "d", "none", "d/l/x"]) {
          const code = await codeOf(() => root.link(path));
          expect(typeof code === "string" && code !== "done", path).toBe(true);
        }
        expect(await codeOf(() => root.link("d/../d/l"))).toBe("bad-path");
      },
    );

    given("refuses ranges that are none, and reads above the limit", { a: file("hello") }, async ({ root }) => {
      for (const range of [
        { offset: -1, length: 1 },
        { offset: 0, length: -1 },
        { offset: 0.5, length: 1 },
        { offset: Number.NaN, length: 1 },
      ]) {
        expect(await codeOf(() => root.read("a", range))).toBe("bad-range");
      }
      expect(await codeOf(() => root.read("a", { offset: 0, length: 1001 }))).toBe("too-large");
    });

    given(
      "writes new files and replaces old ones",
      { d: { kind: "directory" }, old: file("old") },
      async ({ root }) => {
        await root.write("d/new", bytes("1"));
        await root.write("old", bytes("changed"));
        await root.write("old", bytes("again"));
        expect([textOf(root, "d/new"), textOf(root, "old")]).toEqual(["1", "again"]);
        expect([namesIn(root), namesIn(root, "d")]).toEqual([["d", "old"], ["new"]]);
        expect(root.stat("old")).toMatchObject({ kind: "file", size: 5, links: 1 });
      },
    );

    given("a reader of the old file keeps the old content", { a: file("old") }, async ({ root }) => {
      const open = root.openFile("a");
      await root.write("a", bytes("new"));
      expect(Buffer.from(open.read(RANGE)).toString()).toBe("old");
      open.close();
      expect(await codeOf(() => open.read(RANGE))).toBe("closed");
      expect(textOf(root, "a")).toBe("new");
    });

    given("a file that is replaced has another stamp", { a: file("old") }, async ({ root }) => {
      const stamps = new Set([root.stat("a").stamp]);
      for (const text of ["old", "old", "new"]) {
        await root.write("a", bytes(text));
        stamps.add(root.stat("a").stamp);
      }
      expect(stamps.size).toBe(4);
    });

    given("a write that is refused leaves everything as it was", { "a/b": file("x") }, async ({ root }) => {
      expect(await codeOf(() => root.write("a", bytes("x")))).toBe("is-a-directory");
      expect(await codeOf(() => root.write("big", new Uint8Array(1001)))).toBe("too-large");
      expect(await codeOf(() => root.write("missing/a", bytes("x")))).toBe("not-found");
      expect(await codeOf(() => root.write("a/b/c", bytes("x")))).toBe("not-a-directory");
      expect([namesIn(root), textOf(root, "a/b")]).toEqual([["a"], "x"]);
    });

    given(
      "D3 directory order: names come sorted by code unit",
      Object.fromEntries(["b", "a", "Z", "ä", "10", "\u{1f600}"].map((name) => [name, file("x")])),
      async ({ root }) => {
        for (const name of ["9", "\uffee", "c"]) await root.write(name, bytes("x"));
        expect(namesIn(root)).toEqual(["10", "9", "Z", "a", "b", "c", "ä", "\u{1f600}", "\uffee"]);
      },
    );

    given(
      "lists kinds and sizes, before and after changes",
      { "d/x": file("1"), f: file("123"), l: { kind: "link", target: "f" }, p: { kind: "fifo" } },
      async ({ root }) => {
        await root.write("d/y", bytes("four"));
        await root.remove("d/x");
        expect(root.list(".").entries.map(({ name, kind }) => [name, kind])).toEqual([
          ["d", "directory"],
          ["f", "file"],
          ["l", "link"],
          ["p", "special"],
        ]);
        expect(root.list(".").entries[1]?.size).toBe(3);
        expect(root.list("d").entries).toEqual([{ name: "y", kind: "file", size: 4 }]);
      },
    );

    given(
      "H13 a crowded directory is not listed in part",
      Object.fromEntries(Array.from({ length: 19 }, (_, index) => [`d/${index}`, file("")])),
      async ({ root }) => {
        await root.write("d/one more", bytes(""));
        expect(root.list("d").entries).toHaveLength(20);
        await root.write("d/too many", bytes(""));
        expect(await codeOf(() => root.list("d"))).toBe("too-many");
        await root.remove("d/7");
        expect(root.list("d").entries).toHaveLength(20);
      },
    );

    given("makes, moves and removes files and directories", { "o/f": file("old") }, async ({ root }) => {
      await root.createDirectory("d");
      await root.write("d/a", bytes("x"));
      await root.rename("d/a", "b");
      await root.rename("o/f", "d/f");
      expect([textOf(root, "b"), textOf(root, "d/f")]).toEqual(["x", "old"]);
      expect(await codeOf(() => root.createDirectory("d"))).toBe("exists");
      expect(await codeOf(() => root.createDirectory("o"))).toBe("exists");
      expect(await codeOf(() => root.rename("b", "d"))).toBe("exists");
      expect(await codeOf(() => root.rename("o/f", "x"))).toBe("not-found");
      await root.remove("d/f");
      await root.remove("d");
      await root.remove("o");
      await root.remove("b");
      for (const path of ["b", "o", "o/f", "d"]) expect(await codeOf(() => root.remove(path)), path).toBe("not-found");
      expect(namesIn(root)).toEqual([]);
    });

    given(
      "moves directories with all that is in them, old and new",
      { "d/e/f": file("f"), "d/g": file("g"), "d/l": { kind: "link", target: "g" }, h: { kind: "directory" } },
      async ({ root }) => {
        await root.write("d/e/new", bytes("new"));
        await root.write("d/g", bytes("changed"));
        await root.rename("d", "h/d");
        expect([namesIn(root), namesIn(root, "h/d"), namesIn(root, "h/d/e")]).toEqual([
          ["h"],
          ["e", "g", "l"],
          ["f", "new"],
        ]);
        expect([textOf(root, "h/d/e/f"), textOf(root, "h/d/g")]).toEqual(["f", "changed"]);
        expect(await codeOf(() => root.stat("d/e"))).toBe("not-found");
        await root.createDirectory("d");
        expect(namesIn(root, "d")).toEqual([]);
        await root.rename("h/d", "d/again");
        expect(textOf(root, "d/again/e/new")).toBe("new");
      },
    );

    given(
      "what was removed can be made again, as something else",
      { "d/f": file("f"), g: file("g") },
      async ({ root }) => {
        await root.remove("d/f");
        await root.remove("d");
        await root.remove("g");
        await root.createDirectory("g");
        await root.write("g/x", bytes("x"));
        await root.write("d", bytes("now a file"));
        expect([textOf(root, "d"), namesIn(root, "g")]).toEqual(["now a file", ["x"]]);
        expect(await codeOf(() => root.stat("d/f"))).toBe("not-a-directory");
      },
    );

    given(
      "a directory that is not empty is not removed",
      { "d/a": file("a"), "n/.keep": file("") },
      async ({ root }) => {
        await root.write("n/x", bytes("x"));
        await root.remove("n/.keep");
        expect(await codeOf(() => root.remove("d"))).toBe("not-empty");
        expect(await codeOf(() => root.remove("n"))).toBe("not-empty");
        expect(await codeOf(() => root.rename("d", "d/e"))).toBe("refused");
        expect([namesIn(root, "d"), namesIn(root, "n")]).toEqual([["a"], ["x"]]);
      },
    );

    given("the directory itself is neither written, removed nor renamed", {}, async ({ root }) => {
      expect(await codeOf(() => root.write(".", bytes("x")))).toBe("is-a-directory");
      expect(await codeOf(() => root.remove("."))).toBe("is-a-directory");
      expect(await codeOf(() => root.rename(".", "a"))).toBe("is-a-directory");
      expect(await codeOf(() => root.openFile("."))).toBe("is-a-directory");
      expect(root.stat(".").kind).toBe("directory");
    });

    given("a directory stays the same one while it is changed", { "d/a": file("a") }, async ({ root }) => {
      const { identity } = root.stat("d");
      const below = root.openDirectory("d");
      await root.write("d/b", bytes("b"));
      expect(root.stat("d").identity).toBe(identity);
      expect(below.stat(".").identity).toBe(identity);
      below.close();
    });

    given("a handle keeps to its directory, also after that was moved", { "d/old": file("old") }, async ({ root }) => {
      const below = root.openDirectory("d");
      await root.rename("d", "e");
      await below.write("a", bytes("x"));
      expect([textOf(root, "e/a"), textOf(below, "old"), namesIn(root)]).toEqual(["x", "old", ["e"]]);
      expect(await codeOf(() => below.stat("../e"))).toBe("bad-path");
      below.close();
    });

    given(
      "a handle ends with its directory, and is not the next one of that name",
      { d: { kind: "directory" } },
      async ({ root }) => {
        const below = root.openDirectory("d");
        await root.remove("d");
        await root.createDirectory("d");
        expect(await codeOf(() => below.write("a", bytes("x")))).toBe("not-found");
        expect(namesIn(root, "d")).toEqual([]);
        below.close();
      },
    );

    given(
      "H10 a read-only handle refuses every change, also through handles made from it",
      { "d/f": file("f") },
      async ({ open }) => {
        const reader = open(["read"]);
        const below = reader.openDirectory("d");
        for (const handle of [reader, below]) {
          expect(await codeOf(() => handle.write("new", bytes("x")))).toBe("read-only");
          expect(await codeOf(() => handle.remove("f"))).toBe("read-only");
          expect(await codeOf(() => handle.createDirectory("new"))).toBe("read-only");
          expect(await codeOf(() => handle.rename("f", "other"))).toBe("read-only");
        }
        const blind = open(["write"]);
        expect(await codeOf(() => blind.read("d/f", RANGE))).toBe("no-access");
        expect(textOf(below, "f")).toBe("f");
        for (const handle of [below, reader, blind]) handle.close();
      },
    );

    given("H11 a handle is of no use after its close", { "d/f": file("f") }, async ({ root }) => {
      const below = root.openDirectory("d");
      below.close();
      below.close();
      expect(await codeOf(() => below.read("f", RANGE))).toBe("closed");
      expect(await codeOf(() => below.list("."))).toBe("closed");
      expect(await codeOf(() => below.write("a", bytes("x")))).toBe("closed");
      expect(textOf(root, "d/f")).toBe("f");
    });

    given("gives out a descriptor of the directory", {}, async ({ root }) => {
      expect(root.descriptor()).toBeGreaterThan(2);
      expect(root.hostPath().startsWith("/")).toBe(true);
    });
  });

  hazards(kind, given);
}
