import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatPath, parsePath } from "../../src/vfs/path.ts";
import { runs, seed } from "../support/property.ts";

describe("paths", () => {
  test.each(["a", "a/b", "src/a b.ts", "..a", "...a", "a..b", ".hidden", "%2e%2e", "ünï/文件", "-rf", "*", "a:b"])(
    "%j is read as its segments",
    (path) => {
      expect(parsePath(path)).toEqual(path.split("/"));
    },
  );

  test("the dot is the directory itself", () => {
    expect(parsePath(".")).toEqual([]);
    expect(formatPath([])).toBe(".");
  });

  test("H1 traversal: every spelling that could leave or alias is refused", () => {
    const bad = [
      "",
      "..",
      "../a",
      "a/..",
      "a/../b",
      "/a",
      "//a",
      "a//b",
      "a/",
      "./a",
      "a/.",
      "a/./b",
      "a\\b",
      "..\\a",
      "C:\\a",
    ];
    for (const path of bad) expect(() => parsePath(path), path).toThrow(/is not accepted/);
  });

  test("says what is wrong with a path", () => {
    expect(() => parsePath("/etc")).toThrow("it is absolute");
    expect(() => parsePath("a/../b")).toThrow("it contains `..`");
    expect(() => parsePath("a/./b")).toThrow("it contains `.`");
    expect(() => parsePath("a//b")).toThrow("an empty segment");
    expect(() => parsePath("a\\b")).toThrow("a backslash");
  });

  test("H1 percent-encoding is literal text, never decoded", () => {
    expect(parsePath("%2e%2e/%2fetc")).toEqual(["%2e%2e", "%2fetc"]);
  });

  test("H7 NUL and other control characters are refused", () => {
    for (const path of ["a\0", "a\0b", "\0", "a\nb", "a\u001b[31m", "a\u007f", "a\u0085"]) {
      expect(() => parsePath(path), JSON.stringify(path)).toThrow(/control or bidirectional/);
    }
  });

  test("H8 aliases by trailing dot, trailing space, bidirectional characters and half surrogates are refused", () => {
    for (const path of ["secret.", "secret ", "secret./a", "a/secret ", "a\u202etxt.exe", "\ud800", "a\ufeff"]) {
      expect(() => parsePath(path), JSON.stringify(path)).toThrow(/is not accepted/);
    }
  });

  test("names and paths have a length", () => {
    expect(() => parsePath("x".repeat(256))).toThrow(/longer than 255/);
    expect(() => parsePath("é".repeat(128))).toThrow(/longer than 255/);
    expect(() => parsePath("x/".repeat(3000))).toThrow(/longer than 4096/);
  });

  test("what is accepted has one spelling and no segment that the system treats specially", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", ".", "/", "\\", " ", "\0", "%", "é", "\u202e", "~") }),
        (text) => {
          let segments: readonly string[];
          try {
            segments = parsePath(text);
          } catch {
            return;
          }
          expect(formatPath(segments)).toBe(text);
          for (const segment of segments) {
            expect(segment).not.toBe("");
            expect([".", ".."]).not.toContain(segment);
            expect(segment).not.toMatch(/[/\0\\]/);
          }
        },
      ),
      { seed, numRuns: runs(2_000, 200_000) },
    );
  });
});
