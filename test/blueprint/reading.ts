import { type Fault, InvalidFileError } from "../../src/blueprint/fault.ts";
import { type LoadedDocument, loadDocument } from "../../src/blueprint/yaml.ts";
import type { JsonObject } from "../../src/model/json.ts";

const ANY: JsonObject = { type: "object" };
export function load(text: string | Uint8Array, schema: JsonObject = ANY): LoadedDocument<JsonObject> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return loadDocument<JsonObject>(bytes, { file: "file.yaml", schema });
}

export function faults(text: string | Uint8Array, schema: JsonObject = ANY): readonly Fault[] {
  try {
    load(text, schema);
  } catch (error) {
    if (error instanceof InvalidFileError) return error.faults;
    throw error;
  }
  return [];
}

export const messages = (text: string | Uint8Array, schema?: JsonObject): string[] =>
  faults(text, schema).map(({ message }) => message);

/** Positions as `line:column`. */
export const places = (text: string | Uint8Array, schema?: JsonObject): string[] =>
  faults(text, schema).map(({ line, column }) => `${line}:${column}`);

/** Time on the processor, which a busy machine does not stretch. */
export function timed<T>(action: () => T): { readonly result: T; readonly ms: number } {
  const start = process.cpuUsage();
  const result = action();
  const { user, system } = process.cpuUsage(start);
  return { result, ms: (user + system) / 1000 };
}

/** A schema with one of everything. */
export const PERSON: JsonObject = {
  type: "object",
  required: ["name", "version"],
  additionalProperties: false,
  properties: {
    name: { type: "string", pattern: "^[a-z]+$", expects: "a name of lower-case letters" },
    version: { type: "string" },
    steps: { type: "integer", minimum: 1, default: 7 },
    mode: { type: "string", enum: ["direct", "overlay"], notSupportedYet: ["overlay"] },
    comms: { notSupportedYet: true },
    tier: { refused: "the tier is never declared here; remove it" },
    tags: { type: "array", items: { type: "string" }, maxItems: 2, uniqueItems: true },
    shape: {
      oneOf: [{ type: "string" }, { type: "object", required: ["kind"], properties: { kind: { type: "string" } } }],
    },
  },
};
