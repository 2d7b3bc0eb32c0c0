import type { ErrorObject, Options } from "ajv/dist/2020.js";
import { canonicalJson } from "../model/canonical.ts";
import type { JsonObject } from "../model/json.ts";
import { explain, type SourceOf } from "./explain.ts";
import type { Finding } from "./fault.ts";
import * as generated from "./generated/documents.mjs";
import { documentAjv } from "./keywords.ts";
import { linearRegExp } from "./outside-schema.ts";

/** Fills in defaults; an empty answer means that the value is valid. `base` is the pointer of the value in its document. */
export type Validator = (value: unknown, options: { readonly sourceOf: SourceOf; readonly base: string }) => Finding[];

export type SchemaError = ErrorObject<string, Record<string, unknown>, unknown>;

/** The documents that people write: `schemas/<kind>.v1.json`. */
export type DocumentKind =
  | "blueprint"
  | "cases"
  | "config"
  | "hook"
  | "keyring"
  | "pipeline"
  | "policy"
  | "script"
  | "tools";

/** A validator as ajv makes it. */
interface Check {
  (value: unknown): boolean;
  readonly errors?: readonly SchemaError[] | null | undefined;
}

const CHECKS: Readonly<Record<DocumentKind, unknown>> = generated;
const compiled = new WeakMap<JsonObject, Validator>();
/** Parents and children use the same hooks. */
const outside = new Map<string, Validator>();
const MAX_KEPT = 100;

/** The validator of a document, or of another schema of Pinion's own, which is compiled when it is first needed. */
export function validatorOf(schema: DocumentKind | JsonObject): Validator {
  if (typeof schema === "string") return validator(CHECKS[schema] as Check);
  const known = compiled.get(schema) ?? compile(schema, {});
  compiled.set(schema, known);
  return known;
}

/** The validator of a schema that came with a hook. The schema must have passed `schemaFindings` before. */
export function validatorOfOutside(schema: JsonObject): Validator {
  const key = canonicalJson(schema);
  const known = outside.get(key);
  if (known !== undefined) return known;
  if (outside.size >= MAX_KEPT) outside.clear();
  const made = compile(schema, { strict: false, code: { regExp: linearRegExp } });
  outside.set(key, made);
  return made;
}

function compile(schema: JsonObject, options: Options): Validator {
  return validator(documentAjv(options).compile(schema) as Check);
}

function validator(check: Check): Validator {
  return (value, { sourceOf, base }) => {
    if (check(value)) return [];
    const errors = (check.errors ?? []).map((error) => ({ ...error, instancePath: base + error.instancePath }));
    return explain(errors, sourceOf);
  };
}
