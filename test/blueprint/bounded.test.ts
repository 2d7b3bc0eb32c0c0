import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readAtMost, readFileAtMost } from "../../src/blueprint/bounded.ts";

const folder = mkdtempSync(join(tmpdir(), "pinion-bounded-"));
afterAll(() => rmSync(folder, { recursive: true }));

const LIMIT = 1_000_000;

/** What both functions read of a file. */
async function bothOf(bytes: number, size: number): Promise<(number | undefined)[]> {
  const file = join(folder, `of-${bytes}`);
  writeFileSync(file, Buffer.alloc(bytes, "abc"));
  await using one = await open(file);
  await using other = await open(file);
  const found = [readAtMost(one.fd, LIMIT), await readFileAtMost(other, size, LIMIT)];
  for (const read of found) if (read !== undefined) expect(Buffer.compare(read, readFileSync(file))).toBe(0);
  return found.map((read) => read?.length);
}

describe("a bounded read", () => {
  it.each([0, 1, 262_144, 262_145, LIMIT - 1, LIMIT])("gives a file of %i bytes whole", async (bytes) => {
    expect(await bothOf(bytes, bytes)).toEqual([bytes, bytes]);
  });

  it("gives a file whole whose size was another when it was looked at", async () => {
    expect(await bothOf(700_000, 0)).toEqual([700_000, 700_000]);
    expect(await bothOf(5, 700_000)).toEqual([5, 5]);
  });

  it("gives nothing of a file with one byte more than the limit", async () => {
    expect(await bothOf(LIMIT + 1, LIMIT + 1)).toEqual([undefined, undefined]);
    expect(await bothOf(LIMIT + 1, 0)).toEqual([undefined, undefined]);
  });

  it("ends although the file does not", async () => {
    await using zeros = await open("/dev/zero");
    expect(readAtMost(zeros.fd, LIMIT)).toBeUndefined();
    expect(await readFileAtMost(zeros, 0, LIMIT)).toBeUndefined();
  });
});
