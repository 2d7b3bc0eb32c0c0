import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAmount, parseAmount } from "../src/amount.js";

test("an amount that was written is read again", () => {
  for (const cents of [0, 5, 99, 100, 1230]) assert.equal(parseAmount(formatAmount(cents)), cents);
});

test("what is not an amount is refused", () => {
  for (const text of ["", "12", "12.3", "-1.00"]) assert.throws(() => parseAmount(text), RangeError);
});
