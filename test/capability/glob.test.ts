import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fold, matches, mayMatchBelow } from "../../src/capability/glob.ts";
import { runs, seed } from "../support/property.ts";

const match = (pattern: string, path: string) => matches(pattern.split("/"), path.split("/"));

describe("patterns", () => {
  test.each([
    ["src/**", "src", true],
    ["src/**", "src/a", true],
    ["src/**", "src/a/b.ts", true],
    ["src/*", "src/a", true],
    ["src/*", "src/a/b", false],
    ["src/*", "src", false],
    ["**/*.ts", "a.ts", true],
    ["**/*.ts", "a/b/c.ts", true],
    ["**/*.ts", "a/b/c.tsx", false],
    ["a/**/z", "a/z", true],
    ["a/**/z", "a/b/c/z", true],
    ["a/**/z", "a/b/c", false],
    ["**", "anything/at/all", true],
    ["a*b*c", "abc", true],
    ["a*b*c", "a1b2b3c", true],
    ["a*b*c", "ac", false],
    ["ab*ba", "aba", false],
    ["*", "", true],
    ["a.b", "axb", false],
    ["a", "A", false],
  ])("%s against %s is %s", (pattern, path, expected) => {
    expect(match(pattern, path)).toBe(expected);
  });

  test("C8 prefixes: `app` and `app/**` have nothing to do with `app-backup`", () => {
    for (const path of ["app-backup", "app-backup/x", "apple", "app.", "ap"]) {
      expect(match("app", path)).toBe(false);
      expect(match("app/**", path)).toBe(false);
    }
  });

  test("agrees with a plain definition of the same language on random patterns", () => {
    const segment = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 4 });
    const path = fc.array(fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 4 }), { maxLength: 5 });
    fc.assert(
      fc.property(fc.array(fc.oneof(segment, fc.constant("**")), { maxLength: 5 }), path, (pattern, segments) => {
        expect(matches(pattern, segments)).toBe(plainly(pattern, segments));
        if (matches(pattern, segments)) {
          for (let cut = 0; cut < segments.length; cut++)
            expect(mayMatchBelow(pattern, segments.slice(0, cut))).toBe(true);
        }
      }),
      { seed, numRuns: runs(2_000, 200_000) },
    );
  });

  test("hostile patterns cost no more than pattern times path", () => {
    const pattern = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? "**" : "a*a*a*a*a*b"));
    expect(
      matches(
        pattern,
        Array.from({ length: 500 }, () => "a".repeat(200)),
      ),
    ).toBe(false);
  });

  test("folding makes one of what file systems may take for one name", () => {
    for (const [left, right] of [
      ["Secret", "sECRET"],
      ["caf\u00e9", "cafe\u0301"],
      ["\u212a", "k"],
      ["stra\u00dfe", "STRASSE"],
      ["\u017fecret", "secret"],
      ["se\u200bcret", "secret"],
      ["se\u00adcret", "secret"],
      ["\ufb01le", "file"],
    ] as const) {
      expect(fold(left)).toBe(fold(right));
    }
    expect(fold("secret")).not.toBe(fold("secrets"));
  });
});

function plainly(pattern: readonly string[], segments: readonly string[]): boolean {
  const [part, ...rest] = pattern;
  if (part === undefined) return segments.length === 0;
  const [segment, ...others] = segments;
  if (part === "**") return plainly(rest, segments) || (segment !== undefined && plainly(pattern, others));
  if (segment === undefined) return false;
  const expression = new RegExp(`^${part.replaceAll("*", ".*")}$`);
  return expression.test(segment) && plainly(rest, others);
}
