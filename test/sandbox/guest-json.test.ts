import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../../src/model/canonical.ts";
import { guestJson } from "../../src/sandbox/host/guest-json.ts";
import { runs, seed } from "../support/property.ts";

test.each([
  ["not JSON", "{"],
  ["nothing", ""],
  ["a number out of range", "1e999"],
  ["half a surrogate pair", '"\\ud800"'],
  ["half a surrogate pair in a key", '{"\\udc00":1}'],
  ["a key that changes prototypes", '{"a":{"__proto__":{}}}'],
  ["20,000 levels", "[".repeat(20_000) + "]".repeat(20_000)],
])("S16 %s is not taken", (_, text) => {
  expect(guestJson(text)).toBeUndefined();
});

test("what is taken has a canonical form", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      const value = guestJson(text);
      if (value !== undefined) canonicalJson(value);
    }),
    { seed, numRuns: runs(200, 20_000) },
  );
});

test("null is JSON", () => {
  expect(guestJson("null")).toBeNull();
});
