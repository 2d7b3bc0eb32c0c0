import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { schemaFindings } from "../../src/blueprint/outside-schema.ts";
import { validatorOfOutside } from "../../src/blueprint/schema.ts";
import type { Json, JsonObject } from "../../src/model/json.ts";
import { runs, seed } from "../support/property.ts";

const findings = (schema: Json): string[] => schemaFindings(schema, "/c").map(({ message }) => message);
const messages = (schema: JsonObject, value: Json): string[] =>
  validatorOfOutside(schema)(value, { sourceOf: () => undefined, base: "/c" }).map(({ message }) => message);

describe("a schema from outside", () => {
  it("may use the plain keywords of JSON Schema 2020-12", () => {
    const schema: JsonObject = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      required: ["mode"],
      properties: {
        mode: { enum: ["a", "b"], description: "what to do" },
        names: { type: "array", items: { type: "string", pattern: "^[a-z]+$" }, uniqueItems: true, maxItems: 10 },
        either: { anyOf: [{ type: "integer", minimum: 1 }, { const: null }] },
        level: { type: ["integer", "null"], default: 2 },
      },
      propertyNames: { maxLength: 10 },
      if: { properties: { mode: { const: "a" } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { required: ["names"] },
      additionalProperties: false,
    };
    expect(findings(schema)).toEqual([]);
    expect(messages(schema, { mode: "a", names: ["x"] })).toEqual([]);
    expect(messages(schema, { mode: "a" })).toEqual(["c: missing field `names`"]);
    expect(messages(schema, { mode: "b", names: ["X"], either: 0 })).toEqual([
      'c.names[0]: expected text that matches `^[a-z]+$`, found "X"',
      "c.either: expected an integer ≥ 1 or nothing, found 0",
    ]);
  });

  it.each(["$ref", "$dynamicRef", "$id", "$anchor", "$defs", "definitions"])(
    "B13 a reference cycle cannot be written: %s is refused",
    (keyword) => {
      expect(findings({ properties: { a: { [keyword]: "#" } } })).toEqual([
        expect.stringMatching(/^c\.properties\.a(\.definitions|\["\$\w+"\]): references are not allowed/),
      ]);
    },
  );

  it("B13 a regular expression that backtracks for ever runs in linear time", () => {
    const schema: JsonObject = { type: "string", pattern: "^(a+)+$" };
    expect(findings(schema)).toEqual([]);
    const start = process.cpuUsage();
    expect(messages(schema, `${"a".repeat(100_000)}b`)).toHaveLength(1);
    expect(process.cpuUsage(start).user).toBeLessThan(2_000_000);
  });

  it.each(["(?=a)b", "(a)\\1", "(", "a".repeat(1001), "(a{1000}){1000}"])(
    "B13 the regular expression %j is refused",
    (pattern) => {
      expect(findings({ pattern })).toEqual([expect.stringContaining("c.pattern: expected a regular expression")]);
      expect(findings({ patternProperties: { [pattern]: {} } })).toHaveLength(1);
    },
  );

  it("keeps the patterns of one schema apart", () => {
    const one = (pattern: string): JsonObject => ({ type: "string", pattern });
    const schema: JsonObject = { type: "object", properties: { x: one("^a$"), y: one("^b$") } };
    expect(messages(schema, { x: "a", y: "b" })).toEqual([]);
    expect(messages(schema, { x: "a", y: "a" })).toHaveLength(1);
  });

  it("B13 comparing every pair of a long list is refused", () => {
    expect(findings({ type: "array", uniqueItems: true })).toEqual([expect.stringContaining("add `maxItems`")]);
    expect(findings({ type: "array", uniqueItems: true, maxItems: 1000 })).toEqual([]);
    expect(findings({ uniqueItems: true, maxItems: { toString: "1" } })).toHaveLength(2);
  });

  it("is bounded in size and depth", () => {
    const properties = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`p${i}`, {}]));
    expect(findings({ properties })).toEqual(["c: the schema has 5002 values, the limit is 5000"]);
    let deep: Json = {};
    for (let i = 0; i < 40; i += 1) deep = { items: deep };
    expect(findings(deep)).toEqual([expect.stringContaining("the schema nests deeper than 32 levels")]);
  });

  it("has no keyword that would be ignored, and each has a value that fits it", () => {
    expect(findings({ tpye: "string" })).toEqual(["c.tpye: unknown keyword of JSON Schema; did you mean `type`?"]);
    expect(findings({ format: "email" })).toEqual(["c.format: formats are not checked, so they are not allowed"]);
    expect(
      findings({ type: "strng", minimum: "1", required: [1], enum: [], properties: [], items: 3, anyOf: [] }),
    ).toHaveLength(7);
    expect(findings("object")).toEqual(['c: expected a schema, found "object"']);
    expect(findings(true)).toEqual([]);
  });

  it("that is accepted can be compiled and used, whatever it is", () => {
    const keyword = fc.constantFrom(
      "type",
      "properties",
      "items",
      "required",
      "enum",
      "const",
      "minimum",
      "maxLength",
      "pattern",
      "anyOf",
      "not",
      "if",
      "then",
      "dependentRequired",
      "dependentSchemas",
      "multipleOf",
      "contains",
      "minContains",
      "uniqueItems",
      "maxItems",
      "default",
      "prefixItems",
      "additionalProperties",
      "propertyNames",
    );
    const { schema } = fc.letrec<{ schema: Json; value: Json }>((tie) => ({
      schema: fc.dictionary(keyword, tie("value"), { maxKeys: 4, noNullPrototype: true }) as fc.Arbitrary<Json>,
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<Json>(
          "string",
          "object",
          "array",
          "integer",
          0,
          1,
          -1,
          0.5,
          true,
          false,
          null,
          "a+",
          ["a"],
          ["a", "b"],
          ["string", "null"],
          [],
          {},
        ),
        tie("schema"),
        fc.array(tie("schema"), { maxLength: 3 }) as fc.Arbitrary<Json>,
        fc.dictionary(fc.constantFrom("a", "b", "length"), tie("value"), {
          maxKeys: 3,
          noNullPrototype: true,
        }) as fc.Arbitrary<Json>,
      ),
    }));
    let accepted = 0;
    fc.assert(
      fc.property(schema, fc.jsonValue({ maxDepth: 4 }), (candidate, value) => {
        // No document holds such names (B5); ajv's comparison of values calls them.
        fc.pre(!/"(?:toString|valueOf)":/.test(JSON.stringify([candidate, value])));
        if (findings(candidate).length > 0) return;
        accepted += 1;
        messages(candidate as JsonObject, value as Json);
      }),
      { seed, numRuns: runs(300, 20_000) },
    );
    expect(accepted).toBeGreaterThan(20);
  });
});
