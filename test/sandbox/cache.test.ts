import { copyFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildWat, verdict, watHook } from "../hazard/guests/wat.ts";
import { load, outcomeOf, testHosts } from "../support/guests.ts";

let cacheDir: string;
let warnings: string[];
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "pinion-cache-"));
  warnings = [];
});
afterEach(() => rm(cacheDir, { recursive: true, force: true }));

/** Loads a component through the cache and says what the hook answers. */
async function answer(
  bytes: Uint8Array,
  cacheKey: Uint8Array = Buffer.alloc(32, 1),
  folder = cacheDir,
): Promise<unknown> {
  const hosts = testHosts({ cacheDir: folder, cacheKey, onWarning: (message) => warnings.push(message) });
  try {
    const host = await hosts.open({ deadlines: true });
    const loaded = await load(host, bytes);
    return loaded.ok ? await outcomeOf(host) : loaded;
  } finally {
    await hosts.close();
  }
}

const allowing = () => buildWat(watHook({}));
const blocking = () =>
  buildWat(watHook({ fields: verdict(2000, { decision: 1, address: 1100, length: 4 }), handle: "(i32.const 2000)" }));
const entries = async () =>
  (await readdir(join(cacheDir, "components"))).sort().map((name) => join(cacheDir, "components", name));

test("a component is built once, and its entry is for its user only", async () => {
  expect(await answer(await allowing())).toMatchObject({ decision: "allow" });
  const [entry = ""] = await entries();
  const before = await stat(entry);
  expect(before.mode & 0o777).toBe(0o600);
  expect(await answer(await allowing())).toMatchObject({ decision: "allow" });
  expect(await stat(entry)).toMatchObject({ mtimeMs: before.mtimeMs, ino: before.ino });
  expect(warnings).toEqual([]);
});

test("S15 the entry of one component in the place of another's: made again, with a warning", async () => {
  const block = await blocking();
  await answer(block);
  const [ofBlock = ""] = await entries();
  await answer(await allowing());
  const ofAllow = (await entries()).find((entry) => entry !== ofBlock) ?? "";
  await copyFile(ofAllow, ofBlock);
  expect(await answer(block)).toMatchObject({ decision: "block" });
  expect(warnings).toEqual([expect.stringContaining("was changed after it was written: it is made again")]);
  expect(await readFile(ofBlock)).not.toEqual(await readFile(ofAllow));
});

test("S15 one changed byte anywhere: made again, with a warning", async () => {
  await answer(await allowing());
  const [entry = ""] = await entries();
  const whole = await readFile(entry);
  for (const at of [0, 31, 32, 40, whole.length >> 1, whole.length - 1]) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await writeFile(entry, changed);
    warnings = [];
    expect(await answer(await allowing())).toMatchObject({ decision: "allow" });
    expect(warnings).toHaveLength(1);
    expect(await readFile(entry)).toEqual(whole);
  }
});

test.each([0, 10, 32, 35, 1000])("S15 an entry cut to %i bytes: made again, with a warning", async (length) => {
  await answer(await allowing());
  const [entry = ""] = await entries();
  await truncate(entry, length);
  expect(await answer(await allowing())).toMatchObject({ decision: "allow" });
  expect(warnings).toHaveLength(1);
});

test("S15 an entry that somebody else's key made: made again, with a warning", async () => {
  await answer(await allowing(), Buffer.alloc(32, 9));
  expect(await answer(await allowing())).toMatchObject({ decision: "allow" });
  expect(warnings).toHaveLength(1);
});

test("a cache that cannot be written is a warning", async () => {
  const file = join(cacheDir, "file");
  await writeFile(file, "");
  expect(await answer(await allowing(), undefined, file)).toMatchObject({ decision: "allow" });
  expect(warnings.join("\n")).toContain("could not be cached");
});

test("nothing half-written is left behind", async () => {
  await Promise.all([answer(await allowing()), answer(await allowing()), answer(await blocking())]);
  expect((await entries()).filter((entry) => entry.endsWith(".partial"))).toEqual([]);
});

test("a key of another length is refused", () => {
  expect(() => testHosts({ cacheKey: Buffer.alloc(16) })).toThrow("has 16 bytes, expected 32");
});
