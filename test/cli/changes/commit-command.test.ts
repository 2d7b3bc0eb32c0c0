import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lock } from "../../../src/journal/lock.ts";
import { type Done, Shell } from "../../support/cli.ts";
import { LayeredRun } from "../../support/layered.ts";
import { applyWithGit, installed, readFiles, scratch } from "./trees.ts";

const shell = new Shell();
const pinion = (...args: readonly string[]): Done => shell.run("pinion", "run", ...args);
const read = (run: LayeredRun, path: string) => readFileSync(join(run.workspace, path), "utf8");

/** A run that changed, made and removed something. */
async function changed(): Promise<LayeredRun> {
  const run = await LayeredRun.of(shell, { a: "1\n2\n3\n", b: "b\n", "d/old": "old\n" });
  await run.change({ a: "1\ntwo\n3\n", b: "B\n", "d/old": null, "new/c": "c\n" });
  return run;
}
const AFTER = { a: "100644 1\ntwo\n3\n", b: "100644 B\n", "new/c": "100644 c\n" };

describe("pinion run commit", () => {
  test("applies everything, tells it, records who did it, and leaves nothing to decide", async () => {
    const run = await changed();
    const { exit, stdout, stderr } = pinion("commit", run.run);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(stdout).toBe(
      [
        `5 changes applied to ${run.workspace}`,
        "  changed a",
        "  changed b",
        "  deleted d/old",
        "  created new/",
        "  created new/c",
        "",
      ].join("\n"),
    );
    expect(readFiles(run.workspace)).toEqual(AFTER);
    expect(pinion("diff", run.run)).toEqual({
      exit: 0,
      stdout: "",
      stderr: expect.stringMatching(/^run \S+ has no changes left; the last were committed by \S+ at \S+\n$/),
    });
    const { history } = JSON.parse(pinion("diff", run.run, "--json").stdout) as { history: object[] };
    expect(history).toEqual([
      {
        action: "commit",
        at: expect.any(Number),
        by: expect.stringMatching(/./),
        overwrite: false,
        workspace: run.workspace,
        changes: expect.arrayContaining([
          {
            path: "a",
            before: expect.objectContaining({ kind: "file", digest: expect.stringMatching(/^sha256:/) }),
            after: expect.objectContaining({ kind: "file", digest: expect.stringMatching(/^sha256:/) }),
          },
        ]),
        outcome: "done",
        applied: expect.arrayContaining(["a", "b", "d/old", "new", "new/c"]),
        refused: [],
      },
    ]);
    expect(pinion("commit", run.run)).toMatchObject({ exit: 0, stdout: expect.stringMatching(/has no changes left/) });
  });

  test("applies only what was asked for, with the folders that it needs", async () => {
    const run = await changed();
    expect(pinion("commit", run.run, "--only", "b", "new/c").stdout).toMatch(/^3 changes applied/);
    expect(readFiles(run.workspace)).toEqual({ ...AFTER, a: "100644 1\n2\n3\n", "d/old": "100644 old\n" });
    expect(pinion("diff", run.run).stdout.match(/^diff --git a\/\S+/gm)).toEqual([
      "diff --git a/a",
      "diff --git a/d/old",
    ]);
    const unknown = pinion("commit", run.run, "--only", "a", "--only", "d/odl");
    expect(unknown).toMatchObject({ exit: 2, stdout: "", stderr: expect.stringContaining("`d/old`") });
    expect(read(run, "a")).toBe("1\n2\n3\n");
  });

  test("H15 leaves alone what the workspace has changed since, and shows how the three part", async () => {
    const run = await changed();
    run.put("a", "1\nzwei\n3\n");
    const done = pinion("commit", run.run);
    expect(done.exit).toBe(4);
    expect(done.stdout).toMatch(/^4 changes applied/);
    expect(done.stdout).toContain("1 change refused; what is refused stays with the run\n  changed a: the workspace");
    expect(done.stdout).toMatch(/^ {2}before │ 2\n {2}run {4}│ two\n {2}now {4}│ zwei$/m);
    expect(readFiles(run.workspace)).toEqual({ ...AFTER, a: "100644 1\nzwei\n3\n" });
    const again = JSON.parse(pinion("commit", run.run, "--json").stdout) as object;
    expect(again).toMatchObject({ applied: [], refused: [{ path: "a", reason: expect.stringMatching(/\w/) }] });
    expect(pinion("commit", run.run, "--overwrite", "--only", "a")).toMatchObject({ exit: 0 });
    expect(read(run, "a")).toBe("1\ntwo\n3\n");
  });

  test("H15 binary files, deletions and new files in conflict are told by what they are", async () => {
    const run = await LayeredRun.of(shell, { "x.bin": new Uint8Array([0, 1]), gone: "1\n" });
    await run.change({ "x.bin": new Uint8Array([0, 2]), gone: null, fresh: "mine\n" });
    run.put("x.bin", new Uint8Array([0, 3, 3]));
    run.put("gone", "edited\n");
    run.put("fresh", "yours\n");
    const before = readFiles(run.workspace);
    const { exit, stdout } = pinion("commit", run.run);
    expect(exit).toBe(4);
    expect(stdout).toMatch(/^0 changes applied[\s\S]*^3 changes refused/m);
    expect(stdout).toMatch(
      /x\.bin.*\n {2}before │ a file of 2 B, sha256:\S+…\n {2}run {4}│ a file of 2 B, .*\n {2}now {4}│ a file of 3 B/,
    );
    expect(stdout).toMatch(/gone.*\n {2}before │ a file .*\n {2}run {4}│ nothing\n {2}now {4}│ a file/);
    expect(readFiles(run.workspace)).toEqual(before);
  });

  test("says beforehand what it would do, and does nothing", async () => {
    const run = await changed();
    run.put("b", "someone else's\n");
    const before = readFiles(run.workspace);
    const done = pinion("commit", run.run, "--dry-run");
    expect(done.exit).toBe(4);
    expect(done.stdout).toMatch(/^4 changes would be applied to [\s\S]*\n1 change would be refused\n {2}changed b: /);
    expect(readFiles(run.workspace)).toEqual(before);
    expect(JSON.parse(pinion("commit", run.run, "--dry-run", "--json").stdout)).toMatchObject({ dryRun: true });
    expect(JSON.parse(pinion("diff", run.run, "--json").stdout)).toMatchObject({ history: [] });
  });

  test("H4 says beforehand that a link that leads out would be refused, and does not tell to overwrite", async () => {
    const run = await LayeredRun.of(shell, { a: "1\n" });
    await run.change({ a: "2\n" });
    const link = { kind: "link", path: "passwd", target: "/etc/passwd" } as const;
    await run.inLayer((overlay) => overlay.absorb([link], 2n ** 63n));
    const foreseen = pinion("commit", run.run, "--dry-run");
    expect(foreseen.exit).toBe(4);
    expect(foreseen.stdout).toMatch(
      /^1 change would be applied to [\s\S]*\n1 change would be refused\n {2}created passwd: /,
    );
    const done = pinion("commit", run.run);
    expect(done.exit).toBe(4);
    for (const { stdout } of [foreseen, done]) {
      expect(stdout).toContain("created passwd: the link leads to `/etc/passwd`, an absolute path");
      expect(stdout).not.toContain("--overwrite");
    }
  });

  test("L8 two writers: a run that somebody works on is not decided about, and says what to do", async () => {
    const run = await changed();
    const held = lock(run.folder);
    try {
      for (const args of [["commit"], ["discard", "--yes"]]) {
        const done = pinion(...args, run.run);
        expect(done).toMatchObject({ exit: 2, stdout: "" });
        expect(done.stderr).toMatch(/nothing can be decided about run .*\n.*pinion run pause/);
      }
      expect(pinion("diff", run.run).exit).toBe(0);
      expect(pinion("commit", run.run, "--dry-run").exit).toBe(0);
    } finally {
      held.release();
    }
    expect(pinion("commit", run.run).exit).toBe(0);
    expect(readdirSync(run.folder).filter((name) => name.startsWith("writer-"))).toEqual([]);
  });

  test("L8 two commits at once: one applies, the other applies nothing or is refused", async () => {
    const run = await changed();
    const both = await Promise.all(
      [1, 2].map(() => shell.start("pinion", ["run", "commit", run.run], () => undefined)),
    );
    expect(both.filter(({ stdout }) => /^5 changes applied/.test(stdout))).toHaveLength(1);
    for (const { exit, stderr, stdout } of both) {
      if (exit === 2) expect(stderr).toMatch(/nothing can be decided/);
      else expect({ exit, told: /applied|no changes left/.test(stdout) }).toEqual({ exit: 0, told: true });
    }
    expect(readFiles(run.workspace)).toEqual(AFTER);
  });

  test("A8 paths that would act on a terminal are made visible", async () => {
    const run = await LayeredRun.of(shell, {});
    const name = "inno\u{e0001}cent.txt";
    await run.change({ [name]: "\u001b[2J\n" });
    expect(pinion("diff", run.run).stdout).toContain('+++ "b/inno\\u{e0001}cent.txt"\n@@ -0,0 +1 @@\n+\\u{1b}[2J\n');
    expect(pinion("commit", run.run).stdout).toContain('created "inno\\u{e0001}cent.txt"');
    expect(existsSync(join(run.workspace, name))).toBe(true);
  });
});

describe("pinion run discard", () => {
  test("forgets nothing where nobody can be asked and nobody said yes", async () => {
    const run = await changed();
    const done = pinion("discard", run.run);
    expect(done).toMatchObject({
      exit: 2,
      stdout: "",
      stderr: expect.stringMatching(/cannot be brought back[\s\S]*--yes/),
    });
    expect(pinion("diff", run.run).stdout).toContain("diff --git a/a b/a");
  });

  test("forgets what was chosen, leaves the workspace as it is, and records it", async () => {
    const run = await changed();
    const before = readFiles(run.workspace);
    expect(pinion("discard", run.run, "--only", "a", "--yes").stdout).toBe("1 change forgotten\n  changed a\n");
    expect(pinion("diff", run.run).stdout).not.toContain("a/a b/a");
    const rest = JSON.parse(pinion("discard", run.run, "--yes", "--json").stdout) as { discarded: object[] };
    expect(rest.discarded).toHaveLength(4);
    expect(readFiles(run.workspace)).toEqual(before);
    const { history } = JSON.parse(pinion("diff", run.run, "--json").stdout) as { history: { action: string }[] };
    expect(history.map(({ action }) => action)).toEqual(["discard", "discard"]);
    expect(pinion("discard", run.run, "--yes")).toMatchObject({
      exit: 0,
      stderr: expect.stringMatching(/discarded by/),
    });
  });
});

describe("pinion run export", () => {
  test("writes a patch that leads from the workspace to what a commit makes of it", async () => {
    const run = await changed();
    run.put("x.bin", new Uint8Array([0, 1]));
    await run.change({ "x.bin": new Uint8Array([0, 2]) });
    const file = join(shell.cwd, "changes.patch");
    expect(pinion("export", run.run, "--patch", "changes.patch")).toMatchObject({
      exit: 0,
      stdout: "",
      stderr: expect.stringContaining(file),
    });
    const patch = readFileSync(file);
    const json = JSON.parse(pinion("export", run.run, "--patch", "--json").stdout) as { patch: string };
    expect(Buffer.from(json.patch, "base64")).toEqual(patch);
    expect(pinion("export", run.run, "--patch").stdout).toBe(patch.toString());
    const copy = scratch();
    rmSync(copy, { recursive: true });
    cpSync(run.workspace, copy, { recursive: true });
    expect(pinion("commit", run.run).exit).toBe(0);
    if (!installed("git")) return;
    applyWithGit(copy, patch);
    expect(readFiles(copy)).toEqual(readFiles(run.workspace));
  });

  test("H4 says which links of a patch lead out, which no commit would apply", async () => {
    const run = await LayeredRun.of(shell, { a: "1\n" });
    await run.inLayer((overlay) => overlay.absorb([{ kind: "link", path: "way-out", target: "../../etc" }], 2n ** 63n));
    const done = pinion("export", run.run, "--patch");
    expect(done.stderr).toMatch(/^in the patch, though a commit would refuse it: way-out: .*outside/);
    expect(JSON.parse(pinion("export", run.run, "--patch", "--json").stdout)).toMatchObject({
      refused: [{ path: "way-out" }],
    });
  });

  test("says what a patch cannot hold, and where it could not be written", async () => {
    const run = await LayeredRun.of(shell, { a: "1\n" });
    await run.inLayer(async (overlay) => {
      const tree = overlay.open(["read", "write"]);
      await tree.createDirectory("empty");
      tree.close();
    });
    await run.change({ a: "2\n" });
    const done = pinion("export", run.run, "--patch", "--only", "a", "empty");
    expect(done.stderr).toBe("not in the patch: empty/: a patch holds no empty directories\n");
    expect(done.stdout.match(/^diff --git/gm)).toHaveLength(1);
    expect(pinion("export", run.run, "--patch", "no/such/folder/x")).toMatchObject({
      exit: 2,
      stderr: expect.stringMatching(/cannot be written to .*ENOENT/),
    });
    expect(pinion("export", run.run)).toMatchObject({ exit: 2, stderr: expect.stringContaining("--patch") });
  });
});
