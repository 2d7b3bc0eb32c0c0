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

/** Fills in defaults; an empty answer means that the value is valid. */
export type Validator = (value: unknown, sourceOf?: SourceOf) => Finding[];

const compiled = new WeakMap<JsonObject, Validator>();

/** The validator of a schema of Pinion's own; compiled when it is first needed. Never for schemas from outside. */
export function validatorOf(schema: JsonObject): Validator {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const validator = compile(schema);
  compiled.set(schema, validator);
  return validator;
}

/** Compiles a schema without keeping it. A schema from outside must have passed `schemaFindings` before. */
export function compile(schema: JsonObject): Validator {
  const ajv = new Ajv2020({
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
  return (value, sourceOf = () => undefined) => (validate(value) ? [] : explain(validate.errors ?? [], sourceOf));
}

export type SchemaError = ErrorObject<string, Record<string, unknown>, unknown>;
