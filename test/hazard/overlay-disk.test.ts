import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const filler = fileURLToPath(new URL("../vfs/overlay/filler.ts", import.meta.url));
const script = 'mount -t tmpfs -o size=256k none "$1" && shift && exec "$@"';
const inTmpfs = (...args: readonly string[]) =>
  spawnSync("unshare", ["-rm", "sh", "-c", script, "sh", ...args], { encoding: "utf8" });
const mountable = inTmpfs("/mnt", "true").status === 0;
if (!mountable) {
  process.stderr.write("NOT TRIED: a full disk below an overlay, since this system lets us mount no tmpfs\n");
}

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pinion-full-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function filled(what: "layer" | "workspace"): Record<string, unknown> {
  const ran = inTmpfs("/mnt", execPath, filler, "/mnt", root, what);
  expect(ran.stderr).toBe("");
  return JSON.parse(ran.stdout) as Record<string, unknown>;
}

describe.runIf(mountable)("N5 a disk that is full (where the system lets us mount one)", () => {
  test("refuses the change, keeps all earlier ones, and goes on when there is room again", () => {
    const { codes, names, changes, staging, written } = filled("layer");
    expect(codes).toEqual(Array.from({ length: 4 }, () => "no-space"));
    expect((written as readonly string[]).length).toBeGreaterThan(3);
    expect(changes).toEqual([...(written as readonly string[])].sort());
    expect(names).toEqual(["a", ...(changes as readonly string[])]);
    expect(staging).toEqual([]);
  });

  test("of the workspace refuses the rest of a commit, which stays in the layer, and leaves nothing half", () => {
    const { applied, reasons, names } = filled("workspace");
    expect(applied).toBeGreaterThan(3);
    expect(reasons).toEqual(["`it`: the disk is full"]);
    expect(names).toEqual([]);
  });
});

const tracer = fileURLToPath(new URL("../vfs/overlay/tracer.ts", import.meta.url));

function traced(...args: readonly string[]): unknown {
  const ran = spawnSync(execPath, [tracer, root, ...args], { encoding: "utf8" });
  expect(ran.stderr).toBe("");
  return JSON.parse(ran.stdout);
}

describe("what relies on something on disk comes after it", () => {
  test.each([
    ["write", ["fdatasync layer.jsonl", "fsync staging/1", "renameSync staging/1", "fsync upper"]],
    ["remove", ["fdatasync layer.jsonl"]],
    [
      "move",
      ["fsync staging/1", "fdatasync layer.jsonl", "renameSync staging/1", "fsync upper", "fdatasync layer.jsonl"],
    ],
    ["remove own", ["unlinkSync upper/own", "fsync upper"]],
    [
      "move directory",
      [
        "fsync staging/1",
        "fsync staging",
        "sync plan.json.partial",
        "renameSync plan.json.partial",
        "fsync .",
        "renameSync staging/1",
        "fsync upper",
        "fdatasync layer.jsonl",
        "unlinkSync plan.json",
        "fsync .",
      ],
    ],
  ])("when it is to %s", (what, expected) => {
    expect(traced(what)).toEqual(expected);
  });

  test.each([
    ["the log", "broken log", []],
    ["the log, for want of room,", "full log", []],
    ["a name in the layer", "broken name", ["a"]],
    ["the name of a plan", "broken plan", ["directory", "directory/link", "moved", "moved/link"]],
  ])("a sync of %s that failed ends all changes; the layer has the whole change or none of it", (_, fault, changes) => {
    expect(traced(fault)).toEqual({
      codes: ["layer-not-written", "layer-not-written", "layer-not-written"],
      shown: ["a", "b", "directory"],
      changes,
    });
  });
});
