import fc from "fast-check";
import { expect, test } from "vitest";
import { hunksOf, NO_NEWLINE } from "../../../src/cli/changes/hunks.ts";
import { linesOf, partsOf } from "../../../src/cli/changes/lines.ts";
import { diffView } from "../../../src/cli/changes/show.ts";
import { statText } from "../../../src/cli/changes/stat.ts";
import { digestOf } from "../../../src/model/canonical.ts";
import type { Change, FileState } from "../../../src/runtime/changes.ts";
import { runs, seed } from "../../support/property.ts";
import { diffText } from "./trees.ts";

const plain = (text: string) => text;

function file(content: string | Uint8Array, executable = false): FileState {
  const bytes = Buffer.from(content as string);
  return { kind: "file", digest: digestOf(bytes), size: bytes.length, executable };
}

/** Shows one change between two contents; undefined is nothing. */
function shown(
  path: string,
  before: string | Uint8Array | undefined,
  after: string | Uint8Array | undefined,
  more = {},
) {
  const state = (content: string | Uint8Array | undefined): FileState =>
    content === undefined ? { kind: "nothing" } : file(content);
  const change: Change = { path, before: state(before), after: state(after), ...more };
  return diffView(plain)(change, (side) => {
    const content = side === "before" ? before : after;
    return content === undefined ? undefined : Buffer.from(content as string);
  });
}

test("shows a change as git does", () => {
  expect(shown("src/a b.ts", "1\n2\n3\n4\n5\n", "1\n2\nTHREE\n4\n5\n")).toBe(
    [
      "diff --git a/src/a b.ts b/src/a b.ts",
      "index 8a1218a..e4a7548 100644",
      "--- a/src/a b.ts\t",
      "+++ b/src/a b.ts\t",
      "@@ -1,5 +1,5 @@",
      " 1",
      " 2",
      "-3",
      "+THREE",
      " 4",
      " 5",
    ].join("\n"),
  );
});

test("shows what is new, what is gone, and what ends without a line feed", () => {
  expect(shown("new", undefined, "x")).toMatch(
    /^new file mode 100644\nindex 0000000\..*\n--- \/dev\/null\n\+\+\+ b\/new\n@@ -0,0 \+1 @@\n\+x\n\\ No newline at end of file$/m,
  );
  expect(shown("old", "x\n", undefined)).toMatch(
    /^deleted file mode 100644\n.*\n--- a\/old\n\+\+\+ \/dev\/null\n@@ -1 \+0,0 @@\n-x$/m,
  );
});

test("shows modes, links, directories, binary files and what is too large, in words", () => {
  const view = diffView(plain);
  const same = file("x");
  const content = () => Buffer.from("x");
  expect(view({ path: "a", before: same, after: file("x", true) }, content)).toBe(
    "diff --git a/a b/a\nold mode 100644\nnew mode 100755",
  );
  const link: Change = { path: "l", before: { kind: "nothing" }, after: { kind: "link", target: "to" } };
  expect(view(link, content)).toMatch(/new file mode 120000[\s\S]*^\+to\n\\ No newline/m);
  const directory: Change = { path: "d", before: { kind: "nothing" }, after: { kind: "directory" } };
  expect(view(directory, content)).toBe("new directory d/");
  expect(shown("b", Buffer.alloc(1234), Buffer.alloc(3400))).toMatch(/^binary, 1\.2 KB → 3\.4 KB$/m);
  const large: FileState = { kind: "file", digest: digestOf("?"), size: 5e9, executable: false };
  expect(view({ path: "b", before: large, after: same }, () => undefined)).toMatch(
    /^too large to be shown, 5\.0 GB → 1 B$/m,
  );
});

test("H15 marks what the workspace has changed since", () => {
  expect(shown("a", "1\n", "2\n", { conflict: file("33\n") })).toMatch(
    /^conflict: the workspace has changed this file since; it holds a file of 3 B, sha256:/m,
  );
});

test("A8 names and content that would act on a terminal are made visible", () => {
  const text = shown("a\u001b[31m\u202e.txt", "", "\u001b]0;title\u0007\u202eevil\r\n\u009b31m\u2028\n");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e\u2028]/);
  expect(text).toContain('+++ "b/a\\u{1b}[31m\\u{202e}.txt"');
  expect(text).toContain("+\\u{1b}]0;title\\u{7}\\u{202e}evil\\u{d}");
});

test("bytes that are no text in any encoding are shown one by one, and letters of all scripts as they are", () => {
  expect(shown("文", "", Buffer.from([0x61, 0xff, 0x0a]))).toMatch(/^\+\+\+ b\/文\n@@ .*\n\+a\\xff$/m);
  expect(shown("a", "", "grüße 😀\n")).toMatch(/^\+grüße 😀$/m);
});

test("A8 no line of content passes for a header", () => {
  fc.assert(
    fc.property(diffText, diffText, (before, after) => {
      const lines = shown("x", before, after).split("\n");
      const parsed = parse(lines);
      expect(parsed.headers).toBe(1);
      const whole = (side: "-" | "+", bytes: Uint8Array) => {
        const kept = parsed.lines.filter((line) => line.startsWith(" ") || line.startsWith(side)).length;
        expect(kept).toBeLessThanOrEqual(linesOf(bytes).length);
      };
      whole("-", before);
      whole("+", after);
    }),
    { seed, numRuns: runs(200, 10_000) },
  );
});

/** Reads a diff as a person or a program does: headers begin with `diff --git`, content is what the hunks count. */
function parse(lines: readonly string[]): { headers: number; lines: readonly string[] } {
  const content: string[] = [];
  let headers = 0;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const hunk = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@$/.exec(line);
    if (hunk === null) {
      if (line.startsWith("diff --git ")) headers += 1;
      else expect(line).toMatch(/^(index |--- |\+\+\+ )/);
      continue;
    }
    for (let old = Number(hunk[1] ?? 1), now = Number(hunk[2] ?? 1); old + now > 0; ) {
      const next = lines[++at] ?? "";
      expect(next).toMatch(/^[ +-]/);
      content.push(next);
      if (!next.startsWith("+")) old -= 1;
      if (!next.startsWith("-")) now -= 1;
      if (lines[at + 1] === NO_NEWLINE) at += 1;
    }
  }
  return { headers, lines: content };
}

test("hunks put together are the second text", () => {
  fc.assert(
    fc.property(diffText, diffText, fc.integer({ min: 0, max: 4 }), (before, after, context) => {
      const old = linesOf(before);
      let at = 0;
      const result: string[] = [];
      for (const { header, lines } of hunksOf(partsOf(old, linesOf(after)), context)) {
        const [, start = "0", count = "1"] = /^@@ -(\d+)(?:,(\d+))? /.exec(header) ?? [];
        const first = count === "0" ? Number(start) : Number(start) - 1;
        result.push(...old.slice(at, first));
        at = first;
        for (const [index, line] of lines.entries()) {
          if (line === NO_NEWLINE) continue;
          const text = line.slice(1) + (lines[index + 1] === NO_NEWLINE ? "" : "\n");
          if (line.startsWith("+")) result.push(text);
          else expect(old[at++]).toBe(text);
          if (line.startsWith(" ")) result.push(text);
        }
      }
      result.push(...old.slice(at));
      expect(result.join("")).toBe(Buffer.from(after).toString("latin1"));
    }),
    { seed, numRuns: runs(300, 20_000) },
  );
});

test("long lines, long files and very many of them are cut, and it says so", () => {
  expect(shown("a", "", `${"x".repeat(5000)}\n`)).toMatch(/^\+x{1000}… \(a line of 5000 bytes\)$/m);
  const long = shown("a", "", "x\n".repeat(10_000));
  expect(long.split("\n").length).toBeLessThan(2_100);
  expect(long).toMatch(/left out: .* 0 lines less and 10000 more$/);
  const view = diffView(plain);
  const change: Change = { path: "a", before: { kind: "nothing" }, after: file("") };
  let lines = 0;
  for (let index = 0; index < 60; index++) {
    lines += view(change, () => Buffer.from("x\n".repeat(1_500))).split("\n").length;
  }
  expect(lines).toBeLessThan(51_000);
});

test("two texts with nothing in common are compared in bounded time", () => {
  const text = (letter: string) => Array.from({ length: 100_000 }, (_, index) => `${letter}${index}\n`);
  const parts = partsOf(["same\n", ...text("a"), "end\n"], ["same\n", ...text("b"), "end\n"]);
  expect(parts.map(({ same, old, now }) => [same, old.length, now.length])).toEqual([
    [true, 1, 1],
    [false, 100_000, 100_000],
    [true, 1, 1],
  ]);
});

test("statistics fit their width, as git's do", () => {
  const change = (path: string, more: Partial<Change> = {}): Change => ({
    path,
    before: file("x"),
    after: file("y"),
    ...more,
  });
  const rows = [
    { change: change("src/a.ts"), added: 300, removed: 100, binary: false },
    { change: change(`deep/${"folder/".repeat(20)}name.ts`), added: 1, removed: 0, binary: false },
    { change: change("logo.png", { before: file("12"), after: file("345") }), added: 0, removed: 0, binary: true },
    { change: change("c\u001b", { conflict: file("z") }), added: 0, removed: 2, binary: false },
  ];
  const text = statText(rows, 60, plain);
  const lines = text.split("\n");
  for (const line of lines.slice(0, -1)) expect(line.replace(/ conflict$/, "").length).toBeLessThanOrEqual(60);
  expect(lines[0]).toMatch(/^ src\/a\.ts +\| 400 \++-+$/);
  expect(lines[1]).toMatch(/^ \.\.\.\S+name\.ts \| {3}1 \+$/);
  expect(lines[2]).toMatch(/^ logo\.png +\| Bin 2 -> 3 bytes$/);
  expect(lines[3]).toMatch(/^ "c\\u\{1b\}" +\| {3}2 - conflict$/);
  expect(lines[4]).toBe(" 4 paths changed, 301 insertions(+), 102 deletions(-), 1 conflict");
});
