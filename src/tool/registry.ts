import { canonicalJson } from "../model/canonical.ts";
import { InputError } from "../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import type { ToolSpec } from "../model/tool.ts";
import { skeleton } from "./names.ts";
import { type Check, checkOf } from "./schema.ts";
import { faultsOf } from "./secrets/check.ts";
import type { Tool } from "./tool.ts";

/** A tool registry as it is written (`schemas/tools.v1.json`). */
export interface ToolRegistry {
  readonly apiVersion: "pinion.dev/v1";
  readonly kind: "ToolRegistry";
  readonly metadata: { readonly name: string; readonly version: string; readonly description?: string };
  readonly spec: { readonly tools: readonly ToolSpec[] };
}

/** A tool as the registry describes it, bound to what performs it. */
export interface RegisteredTool {
  readonly spec: ToolSpec;
  readonly tool: Tool;
  readonly invalid: Check;
  readonly invalidOutput: Check;
}

/**
 * Binds the entries of a registry to the tools that exist here. Throws `InputError` for a tool that does not exist, names
 * that are or look the same (A2), facts weaker than the tool's own, secrets that have no place there, and schemas that are none.
 */
export function bindRegistry(registry: ToolRegistry, tools: readonly Tool[]): ReadonlyMap<string, RegisteredTool> {
  const { name, version } = registry.metadata;
  const bound = new Map<string, RegisteredTool>();
  const seen = new Map<string, string>();
  for (const [index, spec] of registry.spec.tools.entries()) {
    const where = `tool registry ${name}@${version}: tools[${index}] \`${spec.name}\``;
    const twin = seen.get(skeleton(spec.name));
    if (twin !== undefined) throw fault("tool-name-resembles", `${where} is or looks the same as \`${twin}\``);
    seen.set(skeleton(spec.name), spec.name);
    const tool = tools.find((one) => one.name === spec.name);
    if (tool === undefined) throw unknown(where, spec.name, tools);
    refuseWeaker(where, spec, tool);
    const faults = faultsOf(spec);
    if (faults.length > 0) throw fault("bad-secret-use", `${where}: ${faults.join("; ")}`);
    bound.set(spec.name, {
      spec,
      tool,
      invalid: checkUnlessSame(
        spec.inputSchema,
        { own: tool.inputSchema, check: tool.invalid },
        `${where}: inputSchema`,
      ),
      invalidOutput: checkUnlessSame(
        spec.outputSchema,
        { own: tool.outputSchema, check: tool.invalidOutput },
        `${where}: outputSchema`,
      ),
    });
  }
  return bound;
}

/** A schema that says what the tool's own says need not be compiled a second time; that takes ms. */
function checkUnlessSame(
  schema: JsonObject,
  { own, check }: { readonly own: JsonObject; readonly check: Check },
  where: string,
): Check {
  return canonicalJson(withoutDescriptions(schema)) === canonicalJson(own) ? check : checkOf(schema, where);
}

/** Drops the keyword `description`; a field of that name has a schema, not a text. */
function withoutDescriptions(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutDescriptions);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => key !== "description" || typeof inner !== "string")
      .map(([key, inner]) => [key, withoutDescriptions(inner)]),
  );
}

function unknown(where: string, name: string, tools: readonly Tool[]): InputError {
  const close = tools.find((tool) => skeleton(tool.name) === skeleton(name));
  if (close !== undefined) return fault("tool-name-resembles", `${where} only looks like \`${close.name}\``);
  return fault(
    "unknown-tool",
    `${where} does not exist here; there are ${tools.map((tool) => `\`${tool.name}\``).join(", ")}`,
  );
}

/** What the registry says is what gates decide by, so it may be stricter than the tool, never milder. */
function refuseWeaker(where: string, spec: ToolSpec, tool: Tool): void {
  if (spec.taxon !== tool.taxon) throw weaker(where, "taxon", tool.taxon, spec.taxon);
  if (spec.readOnly && !tool.readOnly) throw weaker(where, "readOnly", "false", "true");
  if (spec.idempotency === "idempotent" && tool.idempotency === "unsafe") {
    throw weaker(where, "idempotency", "unsafe", "idempotent");
  }
  for (const field of ["inputSchema", "outputSchema"] as const) {
    const { type, additionalProperties } = spec[field];
    if (type !== "object" || additionalProperties !== false) {
      throw fault("open-schema", `${where}: ${field} must have \`type: object\` and \`additionalProperties: false\``);
    }
  }
}

function weaker(where: string, field: string, expected: string, found: string): InputError {
  return fault("weaker-than-tool", `${where}: ${field} is \`${found}\`, but the tool is \`${expected}\``);
}

function fault(code: string, message: string): InputError {
  return new InputError({ code, message });
}
