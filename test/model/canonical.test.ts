import fc from "fast-check";
import { canonicalize } from "json-canonicalize";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../src/model/canonical.ts";
import { InputError } from "../../src/model/errors.ts";
import { runs, seed } from "../support/property.ts";

describe("canonical JSON", () => {
  it("writes the sample of RFC 8785 §3.2.2 as §3.2.4 shows it", () => {
    const sample = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    const canonical = String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`;
    expect(canonicalJson(JSON.parse(sample))).toBe(canonical);
  });

  it("S16 sorts keys by UTF-16 units, integer-like ones too, as RFC 8785 §3.2.3 shows", () => {
    const keys = ["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6", "10", "9"];
    const written = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
    expect([...written.matchAll(/"((?:[^"\\]|\\.)*)":/g)].map(([, key]) => key)).toEqual([
      "\\r",
      "1",
      "10",
      "9",
      "\u0080",
      "\u00f6",
      "\u20ac",
      "\ud83d\ude00",
      "\ufb33",
    ]);
  });

  it("S16 writes -0 as 0 and 1e21 as ECMAScript does", () => {
    expect(canonicalJson([-0, 1e21, 1e-7, 5e-324])).toBe("[0,1e+21,1e-7,5e-324]");
  });

  it("S16 refuses lone surrogates in values and in keys", () => {
    for (const value of ["\ud800", "x\udc00", { "\ud800": 1 }, [{ a: "\udfff!" }]]) {
      expect(() => canonicalJson(value)).toThrow(InputError);
    }
  });

  it("sorts an object with a member named `toJSON` and does not call it", () => {
    expect(canonicalJson(JSON.parse('{"toJSON":1,"a":2}'))).toBe('{"a":2,"toJSON":1}');
    expect(() => canonicalJson({ toJSON: () => 1 })).toThrow(InputError);
  });

  it("B5 keeps a member named `__proto__`", () => {
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1},"b":1}');
  });

  it("writes a value that stands in two places twice, and refuses a cycle", () => {
    const shared = { k: 1 };
    expect(canonicalJson({ a: shared, ab: [shared, shared] })).toBe('{"a":{"k":1},"ab":[{"k":1},{"k":1}]}');
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(() => canonicalJson(cycle)).toThrow("nested too deeply");
  });

  it("refuses what is not JSON", () => {
    for (const value of [
      undefined,
      Number.NaN,
      -Infinity,
      1n,
      Symbol(),
      () => 1,
      [undefined],
      new Map(),
      new Date(0),
    ]) {
      expect(() => canonicalJson(value)).toThrow(InputError);
    }
  });

  it("agrees with another implementation on ordinary values, and is a fixed point", () => {
    const value = fc.jsonValue({ stringUnit: "grapheme" });
    fc.assert(
      fc.property(value, (json) => {
        const written = canonicalJson(json);
        expect(written).toBe(canonicalize(json));
        expect(canonicalJson(JSON.parse(written))).toBe(written);
      }),
      { seed, numRuns: runs(200, 20_000) },
    );
  });
});
