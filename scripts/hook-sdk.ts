import { readFile } from "node:fs/promises";
import { compile, type JSONSchema } from "json-schema-to-typescript";

/** The parts of packages/hook-sdk that are made from the schemas and from hooks/sdk, by their path. */
export async function hookSdkFiles(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ["packages/hook-sdk/payloads.ts", await payloadTypes()],
    ["packages/hook-sdk/prelude.ts", await copyOf("prelude")],
    ["packages/hook-sdk/core.ts", await copyOf("hook")],
  ]);
}

const BANNER = "by scripts/generate-types.ts. Do not edit.\n";
const PHASES = ["pre-plan", "pre-send", "post-receive", "pre-tool", "post-tool", "state-transition", "spawn", "audit"];
const COMMON = "https://pinion.dev/schemas/phase/common.v1.json#/$defs/";

type Schema = { [keyword: string]: unknown };

const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url), "utf8");

/** A file of the kit of the first-party hooks, whose bytes are part of what their components were built from. */
async function copyOf(name: string): Promise<string> {
  const text = (await read(`hooks/sdk/${name}.ts`)).replace(/"\.\.\/\.\.\/src\/model\/\w+\.ts"/g, '"./payloads.ts"');
  return `// Copied from hooks/sdk/${name}.ts ${BANNER}${text}`;
}

/** Types of all payloads: what `schemas/phase/` says, in one file that depends on nothing. */
async function payloadTypes(): Promise<string> {
  const common = JSON.parse(await read("schemas/phase/common.v1.json")) as { readonly $defs: Schema };
  // `Phase` is all of them.
  const { phase: audited, ...others } = common.$defs;
  const $defs: Schema = { ...others, "audited-phase": audited };
  const properties: Schema = {};
  for (const phase of PHASES) {
    $defs[phase] = { ...(JSON.parse(await read(`schemas/phase/${phase}.v1.json`)) as Schema), title: undefined };
    properties[phase] = { $ref: `#/$defs/${phase}` };
  }
  const schema = { description: "What the hooks of each phase see.", type: "object", properties, $defs };
  const whole = { ...schema, required: PHASES, additionalProperties: false };
  const text = await compile(simple(whole) as JSONSchema, "Payloads", {
    additionalProperties: false,
    bannerComment: `// Generated from schemas/phase/ ${BANNER}`,
    style: { printWidth: 120 },
    unknownAny: true,
  });
  const { enum: kinds } = (common.$defs.capsules as { readonly propertyNames: { readonly enum: string[] } })
    .propertyNames;
  return `${text}
/** A boundary at which hooks are asked. */
export type Phase = keyof Payloads;

/** The kinds of capsules. */
export type CapsuleKind = ${kinds.map((kind) => JSON.stringify(kind)).join(" | ")};

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}
`;
}

/** References within one file, and JSON where a schema takes anything. */
function simple(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(simple);
  if (typeof schema !== "object" || schema === null) return schema;
  const { $id: _id, $schema: _schema, $defs, properties, pattern: _pattern, ...rest } = schema as Schema;
  if (typeof rest.$ref === "string") {
    return { $ref: rest.$ref.replace(COMMON, "#/$defs/").replace(/\/phase$/, "/audited-phase") };
  }
  const typed = ["type", "enum", "const", "oneOf"].some((keyword) => rest[keyword] !== undefined);
  if (!typed) return { ...rest, tsType: "Json" };
  if (rest.type === "object" && properties === undefined)
    return { ...rest, propertyNames: undefined, tsType: "JsonObject" };
  const items = rest.items === undefined ? {} : { items: simple(rest.items) };
  const oneOf = rest.oneOf === undefined ? {} : { oneOf: simple(rest.oneOf) };
  const inside = (members: unknown) =>
    Object.fromEntries(Object.entries(members as Schema).map(([name, member]) => [name, simple(member)]));
  return {
    ...rest,
    ...items,
    ...oneOf,
    ...(properties === undefined ? {} : { properties: inside(properties) }),
    ...($defs === undefined ? {} : { $defs: inside($defs) }),
  };
}
