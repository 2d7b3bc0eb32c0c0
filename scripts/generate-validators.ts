import { readFile, writeFile } from "node:fs/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import standaloneCode from "ajv/dist/standalone/index.js";

/**
 * Writes src/pipeline/generated/payloads.mjs: validators of the payload and capsule schemas as plain code, since compiling
 * them takes 120 ms and every run needs them. With `--check` nothing is written and the exit code is 1 when it is stale.
 */
const PHASES = ["pre-plan", "pre-send", "post-receive", "pre-tool", "post-tool", "state-transition", "spawn", "audit"];

const read = async (name: string): Promise<{ $id: string }> =>
  JSON.parse(await readFile(new URL(`../schemas/${name}.v1.json`, import.meta.url), "utf8")) as { $id: string };

const schemas = await Promise.all([...PHASES.map((phase) => `phase/${phase}`), "capsules"].map(read));
const ajv = new Ajv2020({
  strict: true,
  strictTypes: false,
  strictRequired: false,
  schemas: [await read("phase/common"), ...schemas],
  inlineRefs: false,
  code: { source: true, esm: true },
});
const names = [...PHASES, "capsules"].map((name) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()));
const exported = Object.fromEntries(names.map((name, i) => [name, schemas[i]?.$id ?? ""]));
const generate = standaloneCode as unknown as (ajv: Ajv2020, exported: Record<string, string>) => string;
const code = generate(ajv, exported);
if (/\brequire\(/.test(code)) throw new Error("a schema uses a keyword whose validator needs code at run time");

const file = new URL("../src/pipeline/generated/payloads.mjs", import.meta.url);
const text = `// @ts-nocheck\n// Generated from schemas/ by scripts/generate-validators.ts. Do not edit.\n${code.replace(/^"use strict";/, "")}\n`;
if (!process.argv.includes("--check")) await writeFile(file, text);
else if ((await readFile(file, "utf8").catch(() => "")) !== text) {
  process.stderr.write(
    "src/pipeline/generated/payloads.mjs is not what the schemas say; run `node scripts/generate-validators.ts`\n",
  );
  process.exitCode = 1;
}
