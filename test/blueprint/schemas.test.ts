import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PHASES, ROLES, TAXA } from "../../src/model/phase.ts";

const ROOT = join(import.meta.dirname, "../..");
const KINDS = ["blueprint", "cases", "config", "hook", "pipeline"] as const;
type Schema = Readonly<Record<string, unknown>>;

function read(kind: string): Schema {
  return JSON.parse(readFileSync(join(ROOT, "schemas", `${kind}.v1.json`), "utf8"));
}

/** Every schema inside a schema, with its pointer. */
function* parts(schema: unknown, pointer = ""): Generator<readonly [string, Schema]> {
  if (typeof schema !== "object" || schema === null) return;
  yield [pointer, schema as Schema];
  const { properties, $defs, items, additionalProperties } = schema as Record<string, Schema | undefined>;
  for (const [map, entries] of Object.entries({ properties, $defs })) {
    for (const [name, part] of Object.entries(entries ?? {})) yield* parts(part, `${pointer}/${map}/${name}`);
  }
  yield* parts(items, `${pointer}/items`);
  yield* parts(additionalProperties, `${pointer}/additionalProperties`);
}

describe("the schemas of files that people write", () => {
  it.each(KINDS)("%s: every field is described, and every mapping knows its fields", (kind) => {
    const schema = read(kind);
    expect(schema.$id).toBe(`https://pinion.dev/schemas/${kind}.v1.json`);
    for (const [pointer, part] of parts(schema)) {
      expect(part.description, `${pointer} has no description`).toMatch(/\.$/);
      const isOpen = part.type === "object" && part.properties !== undefined && part.additionalProperties === undefined;
      expect(isOpen, `${pointer} takes unknown fields`).toBe(false);
    }
  });

  it("use the words of the model", () => {
    const blueprint = read("blueprint");
    const hook = read("hook");
    const at = (schema: Schema, pointer: string): Schema =>
      [...parts(schema)].find(([candidate]) => candidate === pointer)?.[1] ?? {};
    const chain = at(blueprint, "/$defs/chain");
    expect(Object.keys(chain.properties ?? {})).toEqual(PHASES);
    expect(at(read("pipeline"), "/$defs/chain")).toEqual(chain);
    expect(at(blueprint, "/properties/spec/properties/tools/properties/taxa/items").enum).toEqual(TAXA);
    expect(at(hook, "/properties/spec/properties/phases/items").enum).toEqual(PHASES);
    expect(at(hook, "/properties/spec/properties/role").enum).toEqual(ROLES);
  });
});
