import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import type { JsonObject } from "../model/json.ts";
import { explain, type SourceOf } from "./explain.ts";
import type { Finding } from "./fault.ts";

/**
 * The keywords that Pinion's own schemas add to JSON Schema 2020-12:
 * `expects` says in words what a `pattern` means; `notSupportedYet` marks a field (`true`) or some of its values (a list)
 * whose enforcement does not exist yet; `refused` says why a field that people may try is never accepted.
 */
const ANNOTATIONS = ["expects", "tsType"];

/** Fills in defaults; an empty answer means that the value is valid. `base` is the pointer of the value in its document. */
export type Validator = (value: unknown, options: { readonly sourceOf: SourceOf; readonly base: string }) => Finding[];

const compiled = new WeakMap<JsonObject, Validator>();

/** The validator of a schema of Pinion's own; compiled when it is first needed. Never for schemas from outside. */
export function validatorOf(schema: JsonObject): Validator {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const validator = compile(schema, { strict: true });
  compiled.set(schema, validator);
  return validator;
}

/** The validator of a schema that came with a hook or a tool. The schema must have passed `schemaFindings` before. */
export function validatorOfOutside(schema: JsonObject): Validator {
  return compile(schema, { strict: false });
}

function compile(schema: JsonObject, { strict }: { readonly strict: boolean }): Validator {
  const ajv = new Ajv2020({
    strict,
    allErrors: true,
    verbose: true,
    useDefaults: true,
    strictTypes: false,
    strictRequired: false,
    strictTuples: false,
    validateSchema: false,
    logger: false,
  });
  ajv.addVocabulary(ANNOTATIONS);
  ajv.addKeyword({ keyword: "refused", schemaType: "string", validate: () => false, errors: false });
  ajv.addKeyword({
    keyword: "notSupportedYet",
    schemaType: ["boolean", "array"],
    validate: (values: boolean | unknown[], value: unknown) =>
      Array.isArray(values) ? !values.includes(value) : !values,
    errors: false,
  });
  const validate: ValidateFunction = ajv.compile(schema);
  return (value, { sourceOf, base }) => {
    if (validate(value)) return [];
    const errors = (validate.errors ?? []).map((error) => ({ ...error, instancePath: base + error.instancePath }));
    return explain(errors, sourceOf);
  };
}

export type SchemaError = ErrorObject<string, Record<string, unknown>, unknown>;
