import { readFile } from "node:fs/promises";
import standaloneModule from "ajv/dist/standalone/index.js";
import { documentAjv } from "../src/blueprint/keywords.ts";

const standaloneCode = standaloneModule as unknown as (ajv: unknown, exported: Record<string, string>) => string;

/** ajv writes `require` for its helpers even in modules. */
const HEAD = `// Generated from schemas/ by scripts/generate-types.ts. Do not edit.
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
`;

/**
 * The text of src/blueprint/generated/documents.mjs: validators of the documents that people write, as plain code, since
 * compiling their schemas costs a quarter of a second. It is JavaScript because stripping types from it costs as much.
 */
export async function documentValidators(names: readonly string[]): Promise<string> {
  const schemas = await Promise.all(names.map(readSchema));
  const ajv = documentAjv({ schemas, messages: false, inlineRefs: false, code: { source: true, esm: true } });
  const exported = Object.fromEntries(names.map((name, i) => [name, schemas[i]?.$id ?? ""]));
  const code = standaloneCode(ajv, exported).replace(/^"use strict";/, "");
  return `${HEAD}${code}\n`;
}

async function readSchema(name: string): Promise<{ $id: string }> {
  const text = await readFile(new URL(`../schemas/${name}.v1.json`, import.meta.url), "utf8");
  // What people read about a field is not needed to check it. Texts and lists only: a field may be called `title`.
  return JSON.parse(text, (keyword, value) => {
    const isText = (keyword === "description" || keyword === "title") && typeof value === "string";
    return isText || (keyword === "examples" && Array.isArray(value)) ? undefined : value;
  });
}
