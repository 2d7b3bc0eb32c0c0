import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { randomSource } from "../../src/sandbox/host/random.ts";
import { runs, seed } from "../support/property.ts";

const SEED = "07".repeat(32);

test("the first block is HMAC-SHA256 of the counter 0 under the seed", () => {
  const expected = createHmac("sha256", Buffer.from(SEED, "hex")).update(Buffer.alloc(8)).digest();
  expect(Buffer.from(randomSource(SEED)(32))).toEqual(expected);
});

test("how the bytes are asked for does not change them", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 20 }), (lengths) => {
      const total = lengths.reduce((sum, length) => sum + length, 0);
      const piecewise = randomSource(SEED);
      expect(Buffer.concat(lengths.map((length) => piecewise(length)))).toEqual(Buffer.from(randomSource(SEED)(total)));
    }),
    { seed, numRuns: runs(50, 5000) },
  );
});

test("another seed gives other bytes", () => {
  expect(randomSource("08".repeat(32))(16)).not.toEqual(randomSource(SEED)(16));
});
