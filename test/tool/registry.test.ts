import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import type { ToolSpec } from "../../src/model/tool.ts";
import { bindRegistry, type ToolRegistry } from "../../src/tool/registry.ts";
import { bench, STANDARD } from "./kit.ts";

const schema: object = JSON.parse(readFileSync("schemas/tools.v1.json", "utf8"));
const validate = new Ajv2020({ keywords: ["expects"], allowUnionTypes: true }).compile(schema);

const registry = (...tools: ToolSpec[]): ToolRegistry => ({ ...STANDARD, spec: { tools } });
function spec(name: string, parts: Partial<ToolSpec> = {}): ToolSpec {
  const found = STANDARD.spec.tools.find((tool) => tool.name === name) ?? STANDARD.spec.tools[0];
  if (found === undefined) throw new Error("no tools");
  return { ...found, name, ...parts };
}

describe("the registry that ships", () => {
  test("fits its schema and describes every tool that exists, exactly as it is", () => {
    expect(validate(STANDARD), JSON.stringify(validate.errors)).toBe(true);
    const { tools } = bench();
    expect(STANDARD.spec.tools.map(({ name }) => name).sort()).toEqual(tools.map(({ name }) => name).sort());
    for (const described of STANDARD.spec.tools) {
      const tool = tools.find(({ name }) => name === described.name);
      const { taxon, readOnly, idempotency } = described;
      expect({ taxon, readOnly, idempotency }).toEqual({
        taxon: tool?.taxon,
        readOnly: tool?.readOnly,
        idempotency: tool?.idempotency,
      });
      expect(plain(described.inputSchema), described.name).toEqual(tool?.inputSchema);
      expect(plain(described.outputSchema), described.name).toEqual(tool?.outputSchema);
    }
  });

  test("no schema has a reference, an unknown keyword or unknown fields", () => {
    const faulty: JsonObject[] = [
      { type: "object", additionalProperties: true, properties: {} },
      { type: "object", properties: {} },
      { type: "object", additionalProperties: false, properties: { a: { $ref: "#" } } },
      { type: "object", additionalProperties: false, properties: {}, $defs: {} },
      { type: "object", additionalProperties: false, properties: { a: { type: "object", properties: {} } } },
      { type: "array", items: { type: "string" } },
    ];
    for (const inputSchema of faulty) {
      expect(validate(registry(spec("file.read", { inputSchema }))), JSON.stringify(inputSchema)).toBe(false);
    }
  });
});

describe("a registry", () => {
  const { tools } = { tools: () => bench().tools };

  test("A2 shadowing: a tool that is there twice is refused", () => {
    expect(() => bindRegistry(registry(spec("file.read"), spec("file.read")), tools())).toThrow(
      /looks the same as `file.read`/,
    );
  });

  test("A2 resembling: names that look like a tool's are refused and say which", () => {
    for (const name of ["fi1e.read", "file_read", "file-read", "fileread", "file.read_", "process.run-"]) {
      expect(() => bindRegistry(registry(spec(name)), tools()), name).toThrow(
        /only looks like `(file\.read|process\.run)`/,
      );
    }
    expect(() => bindRegistry(registry(spec("file.read"), spec("fi1e.read")), tools())).toThrow(
      /looks the same as `file.read`/,
    );
  });

  test("describes only tools that exist", () => {
    expect(() => bindRegistry(registry(spec("shell.run")), tools())).toThrow(
      /does not exist here; there are `file.list`/,
    );
  });

  test("is not milder than the tool in what gates decide by", () => {
    const weaker: [string, Partial<ToolSpec>][] = [
      ["process.run", { readOnly: true }],
      ["process.run", { taxon: "pure" }],
      ["process.run", { idempotency: "idempotent" }],
      ["http.fetch", { taxon: "workspace" }],
      ["file.write", { readOnly: true }],
      ["agent.spawn", { taxon: "pure" }],
    ];
    for (const [name, parts] of weaker) {
      expect(() => bindRegistry(registry(spec(name, parts)), tools()), JSON.stringify(parts)).toThrow(
        /but the tool is/,
      );
    }
  });

  test("may be stricter than the tool", () => {
    bindRegistry(registry(spec("file.read", { readOnly: false, idempotency: "unsafe" })), tools());
  });

  test("has schemas that can be used, with patterns that run in linear time", () => {
    const withPattern = (pattern: string) =>
      spec("skill.read", {
        inputSchema: {
          type: "object",
          additionalProperties: false,
          required: ["name"],
          properties: { name: { type: "string", pattern } },
        },
      });
    expect(() => bindRegistry(registry(withPattern("(?=a)")), tools())).toThrow(/inputSchema is not a JSON Schema/);
    expect(() => bindRegistry(registry(withPattern("(")), tools())).toThrow(/tools\[0\] `skill.read`: inputSchema/);
    const bound = bindRegistry(registry(withPattern("^(a+)+$")), tools());
    expect(bound.get("skill.read")?.invalid({ name: `${"a".repeat(50_000)}!` })).toMatch(/must match pattern/);
    const two = spec("skill.read", {
      inputSchema: {
        type: "object",
        additionalProperties: false,
        required: [],
        properties: { name: { type: "string", pattern: "^a$" }, other: { type: "string", pattern: "^b$" } },
      },
    });
    const both = bindRegistry(registry(two), tools()).get("skill.read");
    expect(both?.invalid({ name: "a", other: "b" })).toBeUndefined();
    expect(both?.invalid({ name: "a", other: "a" })).toMatch(/`\/other`: must match pattern/);
    const open = spec("skill.read", { inputSchema: { type: "object", properties: {} } });
    expect(() => bindRegistry(registry(open), tools())).toThrow(/additionalProperties: false/);
  });
});

/** Without the descriptions, which only people and models need. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => key !== "description" || typeof inner !== "string")
      .map(([key, inner]) => [key, plain(inner)]),
  );
}
