import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ToolError } from "../../../src/model/tool.ts";
import type { Incoming } from "../../../src/vfs/overlay/overlay.ts";
import { parsePath } from "../../../src/vfs/path.ts";
import { Shell } from "../../support/cli.ts";
import { LayeredRun } from "../../support/layered.ts";
import { runs, seed } from "../../support/property.ts";
import { applyWithGit, type Files, files, installed, readFiles, scratch, writeFiles } from "./trees.ts";

const withGit = test.skipIf(!installed("git"));
const GIT = installed("git") ? "git" : "git (skipped: git is not installed)";
const shell = new Shell();

/** Only names that agents can give, and links that a commit applies: none leads out of the workspace. */
const nameable = files.map(
  (found): Files =>
    Object.fromEntries(
      Object.entries(found).filter(([path, { mode, bytes }]) => isNameable(path) && stays(path, mode, bytes)),
    ),
);

function stays(path: string, mode: string, target: Uint8Array | undefined): boolean {
  return (
    mode !== "120000" ||
    path.includes("/") ||
    !Buffer.from(target ?? [])
      .toString()
      .startsWith("../")
  );
}

function isNameable(path: string): boolean {
  try {
    return parsePath(path).length > 0;
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
}

/** What a process would leave in the layer that makes one tree of another, the new files lying ready in `folder`. */
function incoming(before: Files, after: Files, folder: string): readonly Incoming[] {
  const made = new Set(Object.keys(after).flatMap(foldersOf));
  const gone = Object.keys(before).filter((path) => after[path] === undefined && !made.has(path));
  const covered = (path: string) => foldersOf(path).some((above) => after[above] !== undefined);
  return [
    ...gone.filter((path) => !covered(path)).map((path): Incoming => ({ kind: "nothing", path })),
    ...[...made].sort().map((path): Incoming => ({ kind: "directory", path, opaque: false })),
    ...Object.entries(after).map(([path, { mode, bytes }]): Incoming => {
      if (mode === "120000") return { kind: "link", path, target: Buffer.from(bytes ?? []).toString() };
      return { kind: "file", path, source: join(folder, path), executable: mode === "100755" };
    }),
  ];
}

function foldersOf(path: string): readonly string[] {
  const folders: string[] = [];
  for (let at = dirname(path); at !== "."; at = dirname(at)) folders.push(at);
  return folders;
}

withGit(
  `the patch of a run, applied by ${GIT} to a copy, gives what the commit gives`,
  { timeout: 600_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(nameable, nameable, async (before, after) => {
        const folder = scratch();
        const run = await LayeredRun.of(shell, {});
        writeFiles(run.workspace, before);
        writeFiles(folder, after);
        const wanted = readFiles(folder);
        const since = BigInt(Date.now() + 60_000) * 1_000_000n;
        await run.inLayer((overlay) => overlay.absorb(incoming(before, after, folder), since));
        const copy = `${run.workspace}-copy`;
        mkdirSync(copy);
        cpSync(run.workspace, copy, { recursive: true, verbatimSymlinks: true });
        const file = join(shell.home, "changes.patch");
        expect(shell.run("pinion", "run", "export", run.run, "--patch", file)).toMatchObject({ exit: 0 });
        expect(shell.run("pinion", "run", "diff", run.run).exit).toBe(0);
        expect(shell.run("pinion", "run", "commit", run.run)).toMatchObject({ exit: 0, stderr: "" });
        const patch = readFileSync(file);
        if (patch.length > 0) applyWithGit(copy, patch);
        expect(readFiles(run.workspace)).toEqual(wanted);
        expect(readFiles(copy)).toEqual(wanted);
        for (const at of [run.workspace, copy]) rmSync(at, { recursive: true });
      }),
      { seed, numRuns: runs(6, 150) },
    );
  },
);
