import assert from "node:assert/strict";
import { test } from "node:test";
import { splitEvenly } from "../src/split.js";

test("a bill that divides evenly gives equal shares", () => {
  assert.deepEqual(splitEvenly(900, 3), [300, 300, 300]);
});

test("the shares add up to the bill", () => {
  const shares = splitEvenly(1000, 3);
  assert.equal(
    shares.reduce((sum, share) => sum + share),
    1000,
  );
});

test("nobody cannot share a bill", () => {
  assert.throws(() => splitEvenly(900, 0), RangeError);
});
