import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import { RE2JS } from "re2js";
import { InputError } from "../model/errors.ts";
import type { JsonObject } from "../model/json.ts";

/** What is wrong with a value, one line per fault; undefined when nothing is. */
export type Check = (value: unknown) => string | undefined;

const MAX_FAULTS = 10;

/** Shared, since making one costs more than compiling a schema. Keeps no schema: see `checkOf`. */
const ajv = new Ajv2020({
  allErrors: true,
  strict: true,
  strictRequired: false,
  allowUnionTypes: true,
  // `schemas/tools.v1.json` says which schemas a registry may hold; the meta-schema would cost 20 ms and say less.
  validateSchema: false,
  addUsedSchema: false,
  logger: false,
  code: { regExp: Object.assign(linear, { code: "linear" }) },
});

/** Compiles a JSON Schema (2020-12). Patterns run in linear time. Throws `InputError` for a schema that is none. */
export function checkOf(schema: JsonObject, where: string): Check {
  try {
    const validate = ajv.compile(schema);
    return (value) => (validate(value) ? undefined : describe(validate.errors ?? []));
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new InputError({ code: "bad-schema", message: `${where} is not a JSON Schema that can be used: ${detail}` });
  }
}

function linear(pattern: string): { test(text: string): boolean; toString(): string } {
  const compiled = RE2JS.compile(pattern);
  // ajv keeps patterns by their text: without it, all would be the first.
  return { test: (text) => compiled.matcher(text).find(), toString: () => pattern };
}

function describe(errors: readonly ErrorObject[]): string {
  const lines = errors.slice(0, MAX_FAULTS).map(line);
  if (errors.length > MAX_FAULTS) lines.push(`and ${errors.length - MAX_FAULTS} more`);
  return lines.join("\n");
}

function line(error: ErrorObject): string {
  const where = error.instancePath === "" ? "the arguments" : `\`${error.instancePath.slice(0, 200)}\``;
  if (error.keyword === "additionalProperties") {
    return `${where}: the field \`${String(error.params.additionalProperty).slice(0, 100)}\` is not known`;
  }
  if (error.keyword === "enum") return `${where}: must be one of ${JSON.stringify(error.params.allowedValues)}`;
  return `${where}: ${error.message ?? error.keyword}`;
}
