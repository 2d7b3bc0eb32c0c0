import { readFile, writeFile } from "node:fs/promises";
import { compile, type JSONSchema } from "json-schema-to-typescript";
import { documentValidators } from "./document-validators.ts";
import { hookSdkFiles } from "./hook-sdk.ts";

/**
 * Writes what is made from the schemas of documents: the types in src/model/generated and the validators in
 * src/blueprint/generated; and the generated files of packages/hook-sdk. With `--check` nothing is written and the exit code is 1 when a file is not what its schema says.
 */
const TYPES = ["blueprint", "config", "hook", "keyring", "pipeline"];
const VALIDATORS = [...TYPES, "cases", "policy", "script", "tools"];

type Schema = { [keyword: string]: unknown };

const files = new Map([["src/blueprint/generated/documents.mjs", await documentValidators(VALIDATORS)]]);
for (const name of TYPES) {
  const schema = JSON.parse(await readFile(new URL(`../schemas/${name}.v1.json`, import.meta.url), "utf8")) as Schema;
  files.set(`src/model/generated/${name}.ts`, await typesOf(schema, name));
}
for (const [file, text] of await hookSdkFiles()) files.set(file, text);
for (const [file, text] of files) {
  const path = new URL(`../${file}`, import.meta.url);
  if (text === (await readFile(path, "utf8").catch(() => undefined))) continue;
  if (process.argv.includes("--check")) {
    console.error(`${file} is not what the schemas say; run \`npm run generate\` and commit what it writes`);
    process.exitCode = 1;
  } else await writeFile(path, text);
}

async function typesOf(schema: Schema, name: string): Promise<string> {
  return compile(asLoaded(schema) as JSONSchema, name, {
    additionalProperties: false,
    bannerComment: `// Generated from schemas/${name}.v1.json by scripts/generate-types.ts. Do not edit.`,
    style: { printWidth: 120 },
    unknownAny: true,
  });
}

/** The schema of a document as the loader hands it out: defaults are filled in, and what is refused is never there. */
function asLoaded(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(asLoaded);
  if (typeof schema !== "object" || schema === null) return schema;
  const { notSupportedYet, default: _default, pattern, minItems: _min, maxItems: _max, ...rest } = schema as Schema;
  if (pattern === "^sha256:[0-9a-f]{64}$") return { ...rest, tsType: 'import("../canonical.ts").Digest' };
  if (rest.$ref !== undefined) return { $ref: rest.$ref };
  if (rest.type === "object" && rest.properties === undefined && rest.additionalProperties === undefined) {
    return { ...rest, tsType: 'import("../json.ts").JsonObject' };
  }
  if (Array.isArray(notSupportedYet) && Array.isArray(rest.enum)) {
    return { ...rest, enum: rest.enum.filter((value) => !notSupportedYet.includes(value)) };
  }
  const loaded = Object.fromEntries(Object.entries(rest).map(([keyword, value]) => [keyword, asLoaded(value)]));
  if (typeof rest.properties !== "object" || rest.properties === null) return loaded;
  const kept = Object.entries(rest.properties as Record<string, Schema>).filter(([, field]) => !isClosed(field));
  const filled = kept.filter(([, field]) => field.default !== undefined).map(([field]) => field);
  const required = new Set([...(Array.isArray(rest.required) ? rest.required : []), ...filled]);
  const properties = Object.fromEntries(kept.map(([field, value]) => [field, asLoaded(value)]));
  return { ...loaded, properties, ...(required.size > 0 ? { required: [...required] } : {}) };
}

function isClosed(field: Schema): boolean {
  return field.notSupportedYet === true || field.refused !== undefined;
}
