import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Directory } from "../../src/vfs/directory.ts";
import type { Overlay } from "../../src/vfs/overlay/overlay.ts";
import { runs } from "../support/property.ts";
import { Racer } from "../support/racer.ts";
import { Bench } from "../vfs/overlay/bench.ts";

let bench: Bench;
let overlay: Overlay;
let root: Directory;
let racer: Racer;
const outside = (path: string) => join(bench.root, "outside", path);
const RANGE = { offset: 0, length: 10 };
const data = Buffer.from("inside");

beforeEach(async () => {
  bench = new Bench();
  mkdirSync(join(bench.workspace, "out/dir"), { recursive: true });
  mkdirSync(outside("dir"), { recursive: true });
  for (const path of ["out/dir/file", "out/dir/other", "out/leaf"]) {
    writeFileSync(join(bench.workspace, path), "inside");
  }
  for (const path of ["secret", "dir/file"]) writeFileSync(outside(path), "outside");
  symlinkSync(outside("dir"), join(bench.workspace, "out/link"));
  symlinkSync(outside("secret"), join(bench.workspace, "out/leaf-link"));
  overlay = await bench.open();
  root = overlay.open(["read", "write"]);
  racer = await Racer.start(join(bench.workspace, "out"));
});
afterEach(() => {
  racer.kill();
  bench.close();
});

/** Nothing outside was read, made, changed or removed. */
function untouched(): void {
  expect(readFileSync(outside("secret"), "utf8")).toBe("outside");
  expect(readFileSync(outside("dir/file"), "utf8")).toBe("outside");
  expect(readdirSync(outside("")).sort()).toEqual(["dir", "secret"]);
  expect(readdirSync(outside("dir"))).toEqual(["file"]);
}

/** The third when the link is a directory again by the time it is looked at. */
const REFUSALS = ["link", "not-found", "not-a-directory"];

/** How often a way went through and how often it was refused. */
class Tally {
  inside = 0;
  refused = 0;
  async count(action: () => unknown, also: readonly string[] = []): Promise<void> {
    try {
      const seen = await action();
      if (seen !== undefined) expect(seen).toBe("inside");
      this.inside += 1;
    } catch (error) {
      expect([...REFUSALS, ...also], String(error)).toContain((error as { readonly code?: unknown }).code);
      this.refused += 1;
    }
  }
  get bothSides(): boolean {
    return this.inside > 0 && this.refused > 0;
  }
}

const text = (path: string, from: Directory = root) => Buffer.from(from.read(path, RANGE)).toString();

test("H3 rename race: nothing that an overlay reads of its workspace is outside of it", async () => {
  const out = root.openDirectory("out");
  const ways: Readonly<Record<string, () => unknown>> = {
    deep: () => text("out/dir/file"),
    leaf: () => text("out/leaf"),
    below: () => text("dir/file", out),
    handle: () => {
      const handle = root.openDirectory("out/dir");
      try {
        return text("file", handle);
      } finally {
        handle.close();
      }
    },
    list: () => (root.list("out/dir").entries.some(({ name }) => name === "other") ? "inside" : "outside"),
  };
  const tallies = Object.entries(ways).map(([, way]) => ({ way, tally: new Tally() }));
  const rounds = runs(1_500, 850_000);
  const decided = () => tallies.every(({ tally }) => tally.bothSides);
  for (let round = 0; round < rounds || (!decided() && round < 20 * rounds); round += 1) {
    for (const { way, tally } of tallies) await tally.count(way);
  }
  expect(await racer.stop()).toBeGreaterThan(0);
  expect(decided(), JSON.stringify(tallies)).toBe(true);
  untouched();
});

test("H3 rename race: nothing that an overlay takes over, moves or commits goes through a link", async () => {
  const [changing, committing] = [new Tally(), new Tally()];
  const rounds = runs(150, 10_000);
  const decided = () => changing.bothSides && committing.bothSides;
  for (let round = 0; round < rounds || (!decided() && round < 20 * rounds); round += 1) {
    await changing.count(() => root.write("out/dir/file", data), ["is-a-directory"]);
    await changing.count(() => root.write(`out/dir/made-${round}`, data));
    await changing.count(() => root.rename("out/dir/other", `moved-${round}`), ["exists"]);
    await changing.count(() => root.remove("out/dir/file"));
    for (const { path, after } of overlay.changes()) {
      if (after.kind === "file" && path.startsWith("moved")) expect(text(path)).toBe("inside");
    }
    const { applied, refused } = await overlay.commit({ only: ["out"] });
    committing.inside += applied.length;
    committing.refused += refused.length;
    await overlay.discard();
    await overlay.commit({});
  }
  expect(await racer.stop()).toBeGreaterThan(0);
  expect(decided(), JSON.stringify([changing, committing])).toBe(true);
  untouched();
});
