import fc from "fast-check";
import { expect, test } from "vitest";
import { parseArguments } from "../../src/llm/arguments.ts";
import { canonicalJson } from "../../src/model/canonical.ts";
import { runs, seed } from "../support/property.ts";

test.each([
  ['{"path":"a.txt"}', { path: "a.txt" }],
  [' { "a" : { "a" : [ { "a" : "a\\":" } ] } } ', { a: { a: [{ a: 'a":' }] } }],
  ["", {}],
  ["[1,2]", [1, 2]],
  ["null", null],
])("reads %s", (text, value) => {
  expect(parseArguments(text)).toEqual({ arguments: value });
});

test.each([
  ["A3 a key that is there twice", '{"path":"a","path":"b"}'],
  ["A3 a key that is there twice in two spellings", '{"path":"a","\\u0070ath":"b"}'],
  ["A3 a prototype", '{"__proto__":{"admin":true}}'],
  ["A3 a prototype further in", '{"a":[{"__proto__":1}]}'],
  ["A3 deep nesting", `${"[".repeat(65)}${"]".repeat(65)}`],
  ["A3 very deep nesting", "[".repeat(1_000_000)],
  ["half a surrogate pair", '{"path":"\\ud800"}'],
  ["half a surrogate pair in a key", '{"\\udc00":1}'],
  ["a number beyond a double", '{"a":1e999}'],
  ["text that is not JSON", "{path: a.txt}"],
  ["two values", "{} {}"],
])("gives back %s as it was written", (_what, text) => {
  expect(parseArguments(text)).toEqual({ raw: text });
});

test("A3 text that is no JSON takes time in proportion to its length", () => {
  const hostile = ['"\\'.repeat(500_000), '\\"'.repeat(500_000), `"${'\\"'.repeat(500_000)}`, '":'.repeat(500_000)];
  const started = performance.now();
  for (const text of hostile) expect(parseArguments(text)).toHaveProperty("raw");
  expect(performance.now() - started).toBeLessThan(2_000);
});

test("whatever is accepted has a canonical form, and reads as JSON.parse reads it", () => {
  const text = fc.oneof(
    fc.json(),
    fc.jsonValue().map((value) => JSON.stringify(value, null, 1)),
    fc
      .array(fc.constantFrom("{", "}", "[", "]", '"', "\\", ":", ",", "a", "1", " ", "\\ud800"))
      .map((it) => it.join("")),
  );
  const property = fc.property(text, (written) => {
    const read = parseArguments(written);
    if ("raw" in read) return;
    expect(read.arguments).toEqual(written.trim() === "" ? {} : JSON.parse(written));
    expect(() => canonicalJson(read.arguments)).not.toThrow();
  });
  fc.assert(property, { seed, numRuns: runs(500, 50_000) });
});

test("every object that JSON.stringify writes is accepted", () => {
  const object = fc.dictionary(
    fc.string({ unit: "binary" }).filter((key) => key !== "__proto__" && key.isWellFormed()),
    fc.jsonValue({ stringUnit: "binary", maxDepth: 8, noUnicodeString: false }),
  );
  const property = fc.property(object, (value) => {
    const text = JSON.stringify(value);
    if (!text.isWellFormed() || text.includes("\\ud") || text.includes("__proto__")) return;
    expect(parseArguments(text)).toEqual({ arguments: JSON.parse(text) });
  });
  fc.assert(property, { seed, numRuns: runs(300, 20_000) });
});
