import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { patchOf } from "../../../src/cli/changes/patch.ts";
import { runs, seed } from "../../support/property.ts";
import { applyWithGit, blob, deltas, type Files, files, installed, readFiles, scratch, writeFiles } from "./trees.ts";

const patch = (before: Files, after: Files) => Buffer.concat(deltas(before, after).map(patchOf));

/** Patches are worth what these make of them; a machine without them says so in the titles. */
const withGit = test.skipIf(!installed("git"));
const withPatch = test.skipIf(!installed("patch"));
const GIT = installed("git") ? "git" : "git (skipped: git is not installed)";
const PATCH = installed("patch") ? "patch(1)" : "patch(1) (skipped: patch is not installed)";

withGit(`${GIT} applies the patch of any two trees, and has the second one`, () => {
  const folder = scratch();
  fc.assert(
    fc.property(files, files, (before, after) => {
      const copy = join(folder, "copy");
      const wanted = join(folder, "wanted");
      for (const [at, tree] of [
        [copy, before],
        [wanted, after],
      ] as const) {
        rmSync(at, { recursive: true, force: true });
        mkdirSync(at);
        writeFiles(at, tree);
      }
      const bytes = patch(before, after);
      if (bytes.length > 0) applyWithGit(copy, bytes);
      expect(readFiles(copy)).toEqual(readFiles(wanted));
    }),
    { seed, numRuns: runs(40, 2_000) },
  );
});

withGit(`${GIT} reverses the patch, since both sides of binary files are in it`, () => {
  const folder = scratch();
  const before = { a: blob("1\n"), b: blob(Buffer.from([0, 1, 2])), c: blob("x") };
  const after = { a: blob("2\n"), b: blob(Buffer.from([0, 9])), d: blob("y", "100755") };
  writeFiles(folder, after);
  const done = spawnSync("git", ["apply", "-R", "-"], {
    cwd: folder,
    input: patch(before, after),
    env: { PATH: process.env.PATH, GIT_CEILING_DIRECTORIES: join(folder, "..") },
  });
  expect(done.stderr.toString()).toBe("");
  expect(readFiles(folder)).toEqual({ a: "100644 1\n", b: "100644 \0\u0001\u0002", c: "100644 x" });
});

withGit(`${GIT} itself would have written the same`, () => {
  const folder = scratch();
  const before: Files = {
    "src/a.txt": blob("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20"),
    "gone here": blob("x\n"),
    mode: blob("same\n"),
    empty: blob(""),
    "na\u001bme é": blob("old\n"),
    link: blob("a", "120000"),
    turns: blob("text\n"),
    "bin.dat": blob(Buffer.from([0, 1, 2, 3])),
  };
  const after: Files = {
    "src/a.txt": blob("1\n2\nTHREE\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\ntwenty"),
    mode: blob("same\n", "100755"),
    "na\u001bme é": blob("new\n"),
    link: blob("b c", "120000"),
    turns: blob("target", "120000"),
    "new file": blob("", "100755"),
    "bin.dat": blob(Buffer.from([0, ...Array.from({ length: 300 }, (_, index) => (index * 37) % 251)])),
  };
  const env = { PATH: process.env.PATH, HOME: folder, GIT_CEILING_DIRECTORIES: join(folder, "..") };
  const run = (...args: string[]) => spawnSync("git", args, { cwd: join(folder, "tree"), env });
  mkdirSync(join(folder, "tree"));
  run("init", "-q");
  writeFiles(join(folder, "tree"), before);
  run("add", "-A");
  const tree = run("write-tree").stdout.toString().trim();
  for (const path of Object.keys(before)) rmSync(join(folder, "tree", path));
  writeFiles(join(folder, "tree"), after);
  run("add", "-A");
  const theirs = run("diff", "--cached", "--full-index", "--binary", "--no-renames", tree).stdout;
  // zlib's output is not the same in all its versions, and git may write a delta: what is in the binary hunks is left out here.
  const plain = (bytes: Uint8Array) =>
    Buffer.from(bytes)
      .toString("latin1")
      .replace(/^(?:literal|delta) \d+\n(?:[A-Za-z]\S+\n)+\n/gm, "<binary>\n");
  const sorted = (text: string) => text.split(/^(?=diff --git )/m).sort();
  const hunkTails = (text: string) => text.replace(/^(@@ .* @@).*$/gm, "$1");
  expect(sorted(plain(patch(before, after)))).toEqual(sorted(hunkTails(plain(theirs))));
});

test("bytes that are not known are an error that names the file, never a patch without them", () => {
  const unknown = { mode: "100644", size: 1e9, bytes: undefined } as const;
  expect(() => patchOf({ path: "big\u001b", old: unknown, now: undefined })).toThrow(
    /`"big\\u\{1b\}"`.*1000000000 bytes/,
  );
});

withPatch(`${PATCH} takes the texts of a patch as well`, () => {
  const folder = scratch();
  const before: Files = { "a b/x.txt": blob("1\n2\n3\n"), gone: blob("x\n"), é: blob("no end") };
  const after: Files = { "a b/x.txt": blob("1\nTWO\n3\n"), é: blob("no end\n"), fresh: blob("new\n") };
  writeFiles(folder, before);
  const done = spawnSync("patch", ["-p1", "--no-backup-if-mismatch"], { cwd: folder, input: patch(before, after) });
  expect(done.stderr.toString() + done.stdout.toString()).not.toMatch(/FAILED|fuzz/);
  expect(readFiles(folder)).toEqual({ "a b/x.txt": "100644 1\nTWO\n3\n", é: "100644 no end\n", fresh: "100644 new\n" });
});
