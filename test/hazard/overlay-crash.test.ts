import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { runs, seed } from "../support/property.ts";
import { Bench, type Content, contentOfDirectory, contentOfFolder, visible } from "../vfs/overlay/bench.ts";
import { prepare, STORY } from "../vfs/overlay/story.ts";

const victim = fileURLToPath(new URL("../vfs/overlay/victim.ts", import.meta.url));
const NAMES = Object.keys(STORY);

interface Snapshot {
  readonly merged: Content;
  readonly workspace: Content;
}

/** How things are after each step when nothing goes wrong; the first is the start. */
async function told(): Promise<readonly Snapshot[]> {
  const bench = new Bench();
  try {
    prepare(bench.workspace, bench.left);
    const overlay = await bench.open();
    const root = overlay.open(["read", "write"]);
    const look = () => ({ merged: contentOfDirectory(root), workspace: contentOfFolder(bench.workspace) });
    const snapshots = [look()];
    for (const step of Object.values(STORY)) {
      await step({ overlay, root, left: bench.left });
      snapshots.push(look());
    }
    return snapshots;
  } finally {
    bench.close();
  }
}

function run(
  bench: Bench,
  n: number,
): { readonly done: number; readonly signal: string | null; readonly stderr: string } {
  prepare(bench.workspace, bench.left);
  const { signal, stderr } = spawnSync(execPath, [victim, bench.root, String(n)], { encoding: "utf8" });
  const log = join(bench.root, "done");
  const done = existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n").length : 0;
  return { done, signal, stderr };
}

const sorted = (content: Content) => [...content].sort();
const sameContent = (left: Content, right: Content) => JSON.stringify(sorted(left)) === JSON.stringify(sorted(right));

/** Each path is as it was before, or as it was to be. No system call puts a directory in place of a file: there may be nothing. */
function expectBetween(found: Content, before: Content, after: Content, what: string): void {
  for (const path of new Set([...found.keys(), ...before.keys(), ...after.keys()])) {
    const states = [before.get(path), after.get(path)];
    const changesKind = new Set(states.map((state) => state === "directory")).size === 2;
    expect(changesKind ? [...states, undefined] : states, `${what}: ${path}`).toContain(found.get(path));
  }
}

let snapshots: readonly Snapshot[];
let calls: number;

beforeAll(async () => {
  snapshots = await told();
  const bench = new Bench();
  const { stderr } = run(bench, -1);
  expect(stderr).toBe("");
  calls = Number(readFileSync(join(bench.root, "calls"), "utf8"));
  bench.close();
});

async function killedAt(n: number): Promise<string> {
  const bench = new Bench();
  try {
    const { done, signal, stderr } = run(bench, n);
    expect(stderr).toBe("");
    expect(signal).toBe("SIGKILL");
    const [before, after] = [snapshots[done], snapshots[done + 1]];
    if (before === undefined || after === undefined) return "the end";
    const name = NAMES[done] ?? "";
    const what = `killed at call ${n}, in "${name}"`;
    const overlay = await bench.open();
    const merged = contentOfDirectory(overlay.open(["read"]));
    expectBetween(merged, before.merged, after.merged, what);
    expectBetween(contentOfFolder(bench.workspace), before.workspace, after.workspace, what);
    // A file that moves is in both places for a moment, and never in none.
    const isMove = name === "move a file of the workspace";
    const whole = sameContent(merged, before.merged) || sameContent(merged, after.merged);
    expect(whole || (isMove && [...after.merged].every(([path, state]) => merged.get(path) === state)), what).toBe(
      true,
    );
    const { refused } = await overlay.commit({});
    expect(refused, what).toEqual([]);
    expect(overlay.changes()).toEqual([]);
    expect(overlay.used).toEqual({ bytes: 0, files: 0 });
    expect(sorted(visible(contentOfFolder(bench.workspace))), what).toEqual(sorted(merged));
    expect(readdirSync(bench.folder).sort()).toEqual(["kept", "layer.jsonl", "staging", "upper"]);
    expect([readdirSync(join(bench.folder, "staging")), readdirSync(join(bench.folder, "kept"))]).toEqual([[], []]);
    return name;
  } finally {
    bench.close();
  }
}

describe("H12 an overlay whose process is killed between any two system calls", () => {
  test("has each path as it was before or after, also after a crash in the middle of a commit", {
    timeout: runs(120_000, 1_200_000),
  }, async () => {
    const stride = runs(Math.ceil(calls / 24), 1);
    const seen = new Set<string>();
    for (let n = seed % stride; n < calls - 1; n += stride) seen.add(await killedAt(n));
    expect(seen.size).toBeGreaterThan(runs(5, NAMES.length - 1));
  });
});
