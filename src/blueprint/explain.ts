import { isDeepStrictEqual } from "node:util";
import { isJsonObject, type JsonObject } from "../model/json.ts";
import { below, dotted, type Finding } from "./fault.ts";
import { nearest } from "./nearest.ts";
import type { SchemaError } from "./schema.ts";
import { shown } from "./text.ts";

/** How a plain scalar was written: `1.10` where the value is 1.1. */
export type SourceOf = (pointer: string) => string | undefined;

/** What a schema validator found, in words: where, what was expected, what was found. One finding a fault. */
export function explain(errors: readonly SchemaError[], sourceOf: SourceOf): Finding[] {
  const kept = withoutBranches(errors).filter(({ keyword }) => keyword !== "if" && keyword !== "propertyNames");
  const closed = kept.filter(
    ({ keyword, schema }) => keyword === "refused" || (keyword === "notSupportedYet" && schema === true),
  );
  const findings = new Map<string, Finding>();
  for (const error of kept) {
    if (closed.some((other) => other !== error && isWithin(error.instancePath, other.instancePath))) continue;
    const finding = findingOf(error, sourceOf);
    const path = dotted(finding.pointer);
    const message = path === "" ? finding.message : `${path}: ${finding.message}`;
    findings.set(`${finding.pointer}\n${message}`, { ...finding, message });
  }
  return [...findings.values()];
}

/**
 * Of an `anyOf` or `oneOf`, what failed inside its branches is noise: nobody knows which of them was meant. Only the
 * choice is kept, or the choices further inside, which say more exactly where the fault is.
 */
function withoutBranches(errors: readonly SchemaError[]): SchemaError[] {
  const kept: SchemaError[] = [];
  for (const error of errors) {
    if (!isChoice(error)) {
      kept.push(error);
      continue;
    }
    const inside = kept.splice(kept.findLastIndex((other) => !isInBranch(other, error)) + 1);
    const deeper = inside.filter(
      (other) => isChoice(other) && typeof other.data === "object" && other.data !== error.data,
    );
    kept.push(...(deeper.length > 0 ? deeper : [error]));
  }
  return kept;
}

function isChoice({ keyword }: SchemaError): boolean {
  return keyword === "anyOf" || keyword === "oneOf";
}

/** Errors of the branches come right before the error of the choice; errors beside the choice have its own schema. */
function isInBranch(error: SchemaError, choice: SchemaError): boolean {
  if (error.instancePath !== choice.instancePath) return isWithin(error.instancePath, choice.instancePath);
  return !isDeepStrictEqual(error.parentSchema, choice.parentSchema);
}

function isWithin(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}/`);
}

function findingOf(error: SchemaError, sourceOf: SourceOf): Finding {
  const { keyword, instancePath: pointer, params, data, propertyName } = error;
  const schema: JsonObject = isJsonObject(error.parentSchema) ? error.parentSchema : {};
  if (propertyName !== undefined) {
    const expected = describe(schema);
    const message = `${shown(propertyName)} is not a name for this place: expected ${expected}`;
    return { pointer: below(pointer, propertyName), message, expected, atKey: true };
  }
  switch (keyword) {
    case "required":
      return {
        pointer,
        message: `missing field \`${params.missingProperty}\``,
        expected: `the field \`${params.missingProperty}\``,
      };
    case "dependentRequired":
      return { pointer, message: `missing field \`${params.missingProperty}\`, which \`${params.property}\` needs` };
    case "additionalProperties":
      return unknownField(pointer, String(params.additionalProperty), schema);
    case "refused":
      return { pointer, message: String(error.schema), atKey: true };
    case "notSupportedYet":
      if (error.schema === true) return { pointer, message: "not supported yet; remove it", atKey: true };
      return {
        pointer,
        message: `${shown(data)} is not supported yet; expected ${describe(schema)}`,
        expected: describe(schema),
      };
    case "minItems":
    case "maxItems":
    case "minProperties":
    case "maxProperties":
      return counted(pointer, error, schema);
    case "uniqueItems":
      return {
        pointer,
        message: `entry ${Number(params.i)} is the same as entry ${Number(params.j)}; each may be there once`,
      };
    case "not":
      return { pointer, message: "is a form that is not allowed here" };
    default: {
      const expected = describe(schema);
      return { pointer, message: `expected ${expected}, found ${found(schema, data, sourceOf(pointer))}`, expected };
    }
  }
}

function unknownField(parent: string, field: string, schema: JsonObject): Finding {
  const known = isJsonObject(schema.properties) ? Object.keys(schema.properties) : [];
  const near = nearest(field, known);
  const list = known.map((name) => `\`${name}\``).join(", ");
  const help = near !== undefined ? `; did you mean \`${near}\`?` : known.length === 0 ? "" : `; known here: ${list}`;
  const expected = list === "" ? "no fields" : `one of ${list}`;
  return { pointer: below(parent, field), message: `unknown field${help}`, expected, atKey: true };
}

function counted(pointer: string, { keyword, params, data }: SchemaError, { expects }: JsonObject): Finding {
  const count = Array.isArray(data) ? data.length : Object.keys(data ?? {}).length;
  const limit = Number(params.limit);
  const bound = `at ${keyword.startsWith("min") ? "least" : "most"} ${limit} ${limit === 1 ? "entry" : "entries"}`;
  const expected = typeof expects === "string" ? expects : bound;
  return { pointer, message: `expected ${expected}, found ${count === 0 ? "none" : count}`, expected };
}

function found(schema: JsonObject, data: unknown, source: string | undefined): string {
  const isText = typeof data === "string" || typeof data === "object" || source === undefined;
  if (isText || schema.type !== "string") return shown(data);
  return `the ${typeof data} ${source}; quote it: "${source}"`;
}

const UNKNOWN = "another value";

/** What a schema asks for, in a few words. */
export function describe(schema: JsonObject): string {
  if (typeof schema.expects === "string") return schema.expects;
  if (schema.const !== undefined) return shown(schema.const);
  if (Array.isArray(schema.enum)) return oneOf(supported(schema).map(shown));
  const branches = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(branches))
    return oneForm(branches.map((branch) => (isJsonObject(branch) ? describe(branch) : UNKNOWN)));
  if (Array.isArray(schema.type)) return schema.type.map((type) => describe({ ...schema, type })).join(" or ");
  switch (schema.type) {
    case "integer":
      return `an integer${range(schema)}`;
    case "number":
      return `a number${range(schema)}`;
    case "string":
      return text(schema);
    case "boolean":
      return "`true` or `false`";
    case "array":
      return "a list";
    case "object":
      return "a mapping";
    case "null":
      return "nothing";
    default:
      return UNKNOWN;
  }
}

function oneForm(forms: readonly string[]): string {
  const isClear = new Set(forms).size === forms.length && !forms.includes(UNKNOWN);
  return isClear ? forms.join(" or ") : "one of the forms that the schema allows";
}

function oneOf(values: readonly string[]): string {
  return values.length <= 2 ? values.join(" or ") : `one of ${values.join(", ")}`;
}

function supported(schema: JsonObject): readonly unknown[] {
  const values = schema.enum as readonly unknown[];
  const later = Array.isArray(schema.notSupportedYet) ? schema.notSupportedYet : [];
  return values.filter((value) => !(later as readonly unknown[]).includes(value));
}

function range({ minimum, maximum }: JsonObject): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` ≥ ${minimum}`;
  return maximum === undefined ? "" : ` ≤ ${maximum}`;
}

function text({ pattern, minLength, maxLength }: JsonObject): string {
  if (pattern !== undefined) return `text that matches \`${pattern}\``;
  if (maxLength !== undefined) return `text of ${Number(minLength ?? 0)} to ${maxLength} characters`;
  return Number(minLength ?? 0) > 0 ? "text that is not empty" : "text";
}
