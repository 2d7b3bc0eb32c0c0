import { RE2JS, RE2JSException } from "re2js";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { below, dotted, type Finding } from "./fault.ts";
import { nearest } from "./nearest.ts";
import { shown } from "./text.ts";

/**
 * JSON Schemas that come with hooks and tools: plain trees of JSON Schema 2020-12 keywords. Checking a value against such
 * a tree takes time in proportion to both sizes. What could take longer, reach outside or be ignored is refused:
 * references, formats, unknown keywords, regular expressions that RE2 does not know. Whoever compiles such a schema must
 * run its patterns with RE2 (`linearRegExp`).
 */
const MAX_PARTS = 5_000;
const MAX_DEPTH = 32;
const MAX_UNIQUE = 1_000;
const MAX_PATTERN = 1_000;
const DIALECT = "https://json-schema.org/draft/2020-12/schema";

type Form = { readonly expected: string; fits(value: Json): boolean };

const TYPES = ["array", "boolean", "integer", "null", "number", "object", "string"];
const isText = (value: Json): value is string => typeof value === "string";
const isTexts = (value: Json): boolean =>
  Array.isArray(value) && value.every(isText) && new Set(value).size === value.length;
const isType = (value: Json): boolean => isText(value) && TYPES.includes(value);

function isLinear(value: Json): boolean {
  if (!isText(value) || value.length > MAX_PATTERN) return false;
  try {
    RE2JS.compile(value);
    return true;
  } catch (error) {
    if (error instanceof RE2JSException) return false;
    throw error;
  }
}

/** For ajv's `code.regExp`: time linear in the text, whatever the pattern. */
export const linearRegExp = Object.assign(
  (pattern: string) => {
    const compiled = RE2JS.compile(pattern);
    // ajv tells compiled patterns apart by their text.
    return { test: (value: string) => compiled.matcher(value).find(), toString: () => pattern };
  },
  { code: "linearRegExp" },
);

const anything: Form = { expected: "a value", fits: () => true };
const text: Form = { expected: "text", fits: isText };
const texts: Form = { expected: "a list of different names", fits: isTexts };
const flag: Form = { expected: "`true` or `false`", fits: (value) => typeof value === "boolean" };
const number: Form = { expected: "a number", fits: (value) => typeof value === "number" };
const positive: Form = { expected: "a number > 0", fits: (value) => typeof value === "number" && value > 0 };
const count: Form = { expected: "an integer ≥ 0", fits: (value) => Number.isInteger(value) && Number(value) >= 0 };
const list: Form = { expected: "a list", fits: Array.isArray };
const types: Form = {
  expected: `one of ${TYPES.join(", ")}, or a list of them`,
  fits: (value) => isType(value) || (isTexts(value) && (value as Json[]).length > 0 && (value as Json[]).every(isType)),
};

const PLAIN: Readonly<Record<string, Form>> = {
  $comment: text,
  $schema: { expected: `"${DIALECT}"`, fits: (value) => value === DIALECT },
  const: anything,
  default: anything,
  dependentRequired: {
    expected: "a mapping to lists of names",
    fits: (value) => isJsonObject(value) && Object.values(value).every(isTexts),
  },
  deprecated: flag,
  description: text,
  enum: { expected: "a list that is not empty", fits: (value) => Array.isArray(value) && value.length > 0 },
  examples: list,
  exclusiveMaximum: number,
  exclusiveMinimum: number,
  maxContains: count,
  maximum: number,
  maxItems: count,
  maxLength: count,
  maxProperties: count,
  minContains: count,
  minimum: number,
  minItems: count,
  minLength: count,
  minProperties: count,
  multipleOf: positive,
  pattern: { expected: `a regular expression of at most ${MAX_PATTERN} characters that RE2 knows`, fits: isLinear },
  readOnly: flag,
  required: texts,
  title: text,
  type: types,
  uniqueItems: flag,
  writeOnly: flag,
};
const ONE_SCHEMA = ["additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"];
const SCHEMA_LIST = ["allOf", "anyOf", "oneOf", "prefixItems"];
const SCHEMA_MAP = ["dependentSchemas", "properties"];
const KNOWN = [...Object.keys(PLAIN), ...ONE_SCHEMA, ...SCHEMA_LIST, ...SCHEMA_MAP];

const REFERENCE = "references are not allowed in a schema from outside; write the schema out";
const REFUSED: Readonly<Record<string, string>> = {
  $anchor: REFERENCE,
  $defs: REFERENCE,
  $dynamicAnchor: REFERENCE,
  $dynamicRef: REFERENCE,
  $id: REFERENCE,
  $ref: REFERENCE,
  definitions: REFERENCE,
  format: "formats are not checked, so they are not allowed",
  patternProperties: "not supported; use `propertyNames` with a `pattern`",
};

/** What is wrong with a schema from outside that stands at `pointer`; nothing when it can be compiled and used. */
export function schemaFindings(schema: Json, pointer: string): Finding[] {
  const findings: Finding[] = [];
  const find = (at: string, message: string): void => {
    findings.push({ pointer: at, message: `${dotted(at)}: ${message}` });
  };
  const parts = countParts(schema);
  if (parts > MAX_PARTS) find(pointer, `the schema has ${parts} values, the limit is ${MAX_PARTS}`);
  else visit(schema, { pointer, depth: 1, find });
  return findings;
}

interface At {
  readonly pointer: string;
  readonly depth: number;
  find(pointer: string, message: string): void;
}

function visit(schema: Json, at: At): void {
  if (typeof schema === "boolean") return;
  if (!isJsonObject(schema)) {
    at.find(at.pointer, `expected a schema, found ${shown(schema)}`);
    return;
  }
  if (at.depth > MAX_DEPTH) {
    at.find(at.pointer, `the schema nests deeper than ${MAX_DEPTH} levels`);
    return;
  }
  for (const [keyword, value] of Object.entries(schema)) keywordAt(keyword, value, at);
  const isBounded = typeof schema.maxItems === "number" && schema.maxItems <= MAX_UNIQUE;
  if (schema.uniqueItems === true && !isBounded) {
    at.find(
      below(at.pointer, "uniqueItems"),
      `comparing every pair takes long: add \`maxItems\` of at most ${MAX_UNIQUE}`,
    );
  }
}

function keywordAt(keyword: string, value: Json, at: At): void {
  const pointer = below(at.pointer, keyword);
  const inside = { ...at, pointer, depth: at.depth + 1 };
  const visitEach = (entries: readonly (readonly [string | number, Json])[]): void => {
    for (const [name, part] of entries) visit(part, { ...inside, pointer: below(pointer, name) });
  };
  const form = Object.hasOwn(PLAIN, keyword) ? PLAIN[keyword] : undefined;
  if (form !== undefined) {
    if (!form.fits(value)) at.find(pointer, `expected ${form.expected}, found ${shown(value)}`);
  } else if (ONE_SCHEMA.includes(keyword)) visit(value, inside);
  else if (SCHEMA_LIST.includes(keyword)) {
    if (Array.isArray(value) && value.length > 0) visitEach([...value.entries()]);
    else at.find(pointer, `expected a list of schemas, found ${Array.isArray(value) ? "none" : shown(value)}`);
  } else if (SCHEMA_MAP.includes(keyword)) {
    if (isJsonObject(value)) visitEach(Object.entries(value));
    else at.find(pointer, `expected a mapping to schemas, found ${shown(value)}`);
  } else if (Object.hasOwn(REFUSED, keyword)) at.find(pointer, REFUSED[keyword] ?? "not allowed");
  else {
    const near = nearest(keyword, KNOWN);
    at.find(pointer, `unknown keyword of JSON Schema${near === undefined ? "" : `; did you mean \`${near}\`?`}`);
  }
}

function countParts(value: Json): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value as JsonObject).reduce((sum: number, part) => sum + countParts(part), 1);
}
