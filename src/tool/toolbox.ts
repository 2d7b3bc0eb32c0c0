import { canonicalJson } from "../model/canonical.ts";
import { BugError } from "../model/errors.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { Need } from "../model/lease.ts";
import {
  type Leased,
  type Permission,
  type ToolBox,
  ToolError,
  type ToolRequest,
  type ToolSpec,
} from "../model/tool.ts";
import { outOfBounds } from "./bounds.ts";
import type { Authority, Secrets } from "./ports.ts";
import { bindRegistry, type RegisteredTool, type ToolRegistry } from "./registry.ts";
import { masked } from "./secrets/masked.ts";
import { NO_SECRETS } from "./secrets/none.ts";
import { deniedBy, handedOf, type Listed, refOf, type UseRules, usesOf } from "./secrets/uses.ts";
import type { Tool } from "./tool.ts";

/** The secrets of a run, and which tools its blueprint lets have them. */
export interface Handing {
  readonly secrets: Secrets;
  readonly listed: Listed;
}
const NOTHING_HANDED: Handing = { secrets: NO_SECRETS, listed: () => false };

/**
 * The tools of one run: those of the registry that the effective permission allows are offered; every call is judged again.
 * Throws `InputError` when the registry does not fit the tools that exist.
 */
export function toolBoxOf(
  registry: ToolRegistry,
  tools: readonly Tool[],
  authority: Authority,
  handing: Handing = NOTHING_HANDED,
): ToolBox {
  const { mask } = handing.secrets;
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
    permit: (call, resolution) => permit(find(call.tool), { authority, ...handing }, { call, resolution }),
    needs: (call, resolution) => needs(find(call.tool), call, resolution),
    resolve: (call, signal, earlier) =>
      masked(mask, async () => {
        const { spec, tool } = find(call.tool);
        const addresses = earlier?.addresses === undefined ? {} : { earlier: { addresses: earlier.addresses } };
        const prepared = await tool.prepare(call.arguments, { signal, ...addresses });
        await prepared.close();
        return withRefs(prepared.resolution, spec, call, handing.secrets);
      }),
    perform: (call, resolution, signal, leased) =>
      masked(mask, () =>
        perform(find(call.tool), { call, resolution, signal, leased, rules: { authority, ...handing } }),
      ),
  };
}

function permit(
  { spec, tool }: RegisteredTool,
  rules: UseRules & { readonly authority: Authority },
  { call, resolution }: { readonly call: ToolRequest; readonly resolution: JsonObject },
): Permission {
  const general = rules.authority.tool({ name: spec.name, taxon: spec.taxon });
  if (!general.allow) return general;
  const denied = deniedBy(spec, call.arguments, rules);
  return denied ?? tool.permit(call.arguments, resolution);
}

/** The tool itself, the secrets that the call is handed, and what the kind of tool touches besides. */
function needs({ spec, tool }: RegisteredTool, call: ToolRequest, resolution: JsonObject): readonly Need[] {
  const own: Need = { resource: "tool", action: "call", path: [spec.name], deep: false };
  const secrets = usesOf(spec, call.arguments).map(
    ({ name }): Need => ({ resource: "secret", action: "use", path: [name], deep: false }),
  );
  return [own, ...secrets, ...tool.needs(call.arguments, resolution)];
}

/** What gates see and people approve names the secrets that go with the call. */
function withRefs(resolution: JsonObject, spec: ToolSpec, call: ToolRequest, secrets: Secrets): JsonObject {
  const refs = usesOf(spec, call.arguments).filter(({ name }) => secrets.value(name) !== undefined);
  return refs.length === 0 ? resolution : { ...resolution, secrets: refs.map(refOf) };
}

interface Performing {
  readonly call: ToolRequest;
  readonly resolution: JsonObject;
  readonly signal: AbortSignal;
  readonly leased: Leased | undefined;
  readonly rules: UseRules & { readonly secrets: Secrets };
}

async function perform({ spec, tool, invalidOutput }: RegisteredTool, performing: Performing): Promise<Json> {
  const { call, resolution, signal, leased, rules } = performing;
  const { secrets } = rules;
  const denied = deniedBy(spec, call.arguments, rules);
  if (denied !== undefined) throw new ToolError("denied", `${denied.reason} (${denied.rule})`);
  const handed = usesOf(spec, call.arguments).flatMap((use) => {
    const value = secrets.value(use.name);
    return value === undefined ? [] : [handedOf(use, value)];
  });
  const prepared = await tool.prepare(call.arguments, {
    signal,
    earlier: resolution,
    handed,
    ...(leased === undefined ? {} : { leased }),
  });
  try {
    const found = secrets.mask.json(withRefs(prepared.resolution, spec, call, secrets));
    const changed = canonicalJson(found) !== canonicalJson(resolution);
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
