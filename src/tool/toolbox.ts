import { canonicalJson } from "../model/canonical.ts";
import { BugError } from "../model/errors.ts";
import type { Json, JsonObject } from "../model/json.ts";
import { type Permission, type ToolBox, ToolError, type ToolRequest } from "../model/tool.ts";
import { outOfBounds } from "./bounds.ts";
import type { Authority } from "./ports.ts";
import { bindRegistry, type RegisteredTool, type ToolRegistry } from "./registry.ts";
import type { Tool } from "./tool.ts";

/**
 * The tools of one run: those of the registry that the effective permission allows are offered; every call is judged again.
 * Throws `InputError` when the registry does not fit the tools that exist.
 */
export function toolBoxOf(registry: ToolRegistry, tools: readonly Tool[], authority: Authority): ToolBox {
  const bound = bindRegistry(registry, tools);
  const find = (name: string): RegisteredTool => {
    const found = bound.get(name);
    if (found === undefined) throw new BugError({ code: "unknown-tool", message: `there is no tool \`${name}\`` });
    return found;
  };
  return {
    get tools() {
      return [...bound.values()].map(({ spec }) => spec).filter((spec) => authority.tool(spec).allow);
    },
    get: (name) => bound.get(name)?.spec,
    invalidArguments({ tool, arguments: value }) {
      const found = bound.get(tool);
      if (found === undefined) return `there is no tool \`${tool}\``;
      return outOfBounds(value) ?? found.invalid(value) ?? found.tool.invalid(value);
    },
    permit: (call, resolution) => permit(find(call.tool), authority, call, resolution),
    async resolve(call, signal, earlier) {
      const addresses = earlier?.addresses === undefined ? {} : { earlier: { addresses: earlier.addresses } };
      const prepared = await find(call.tool).tool.prepare(call.arguments, { signal, ...addresses });
      await prepared.close();
      return prepared.resolution;
    },
    perform: (call, resolution, signal) => perform(find(call.tool), { call, resolution, signal }),
  };
}

function permit(
  { spec, tool }: RegisteredTool,
  authority: Authority,
  call: ToolRequest,
  resolution: JsonObject,
): Permission {
  const general = authority.tool({ name: spec.name, taxon: spec.taxon });
  return general.allow ? tool.permit(call.arguments, resolution) : general;
}

async function perform(
  { tool, invalidOutput }: RegisteredTool,
  {
    call,
    resolution,
    signal,
  }: { readonly call: ToolRequest; readonly resolution: JsonObject; readonly signal: AbortSignal },
): Promise<Json> {
  const prepared = await tool.prepare(call.arguments, { signal, earlier: resolution });
  try {
    const changed = canonicalJson(prepared.resolution) !== canonicalJson(resolution);
    if (changed && prepared.done === undefined) {
      throw new ToolError("resolution-changed", "what the call names has changed since it was judged; ask again");
    }
    const output = changed && prepared.done !== undefined ? prepared.done() : await prepared.act();
    const fault = tool.invalidOutput(output) ?? invalidOutput(output);
    if (fault !== undefined) {
      throw new ToolError("bad-output", `the result does not fit the output schema of the tool: ${fault}`);
    }
    return output;
  } finally {
    await prepared.close();
  }
}
