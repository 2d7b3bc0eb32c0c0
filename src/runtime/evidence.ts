import { type ResolvedBlueprint, resolveFromStore } from "../blueprint/resolve.ts";
import type { Layer } from "../capability/layer.ts";
import { effectivePermission } from "../capability/permission.ts";
import { KERNEL_VERSION } from "../kernel/version.ts";
import { canonicalJson, type Digest, isDigest } from "../model/canonical.ts";
import { InputError, PinionError } from "../model/errors.ts";
import type { PinnedHook } from "../model/hook.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { PHASES, type Phase } from "../model/phase.ts";
import type { Permission, ToolRequest } from "../model/tool.ts";
import { planChains } from "../pipeline/plan.ts";
import { type Environment, resolveDeps, storeOf } from "./machine.ts";
import { chooseModel } from "./model.ts";
import { type Header, layersOf, readHeader, specOf } from "./spec.ts";
import { noWorld, toolsOf } from "./tools.ts";

/** A pin of a header, and whether its bytes are to be had. */
export interface PinSeen {
  readonly kind: string;
  readonly name: string;
  readonly version: string;
  readonly digest: string;
  readonly state: "here" | "missing" | "changed";
  /** In words, unless it is here. */
  readonly message: string;
}

/** What a recording says it was made of, made again from artifacts alone: nothing runs, nothing is reached. */
export interface Made {
  readonly agent: { readonly name: string; readonly version: string; readonly blueprint: Digest };
  /** In the order in which the hooks are asked. */
  readonly chain: Readonly<Record<Phase, readonly PinnedHook[]>>;
  /** The hooks that some chain asks, in the order of the pins. */
  readonly hooks: readonly PinnedHook[];
  /** The layers of permission of the run; a child inherits all of them. */
  readonly layers: readonly Layer[];
  /** By the digest of its blueprint. */
  readonly children: ReadonlySet<Digest>;
  readonly idempotent: (tool: string) => boolean | undefined;
  /** What the effective permission of the run says of a call and what it resolved to. Pure. */
  permit(call: ToolRequest, resolution: JsonObject): Permission;
  /** What of the call does not fit the tool, or undefined. */
  invalidArguments(call: ToolRequest): string | undefined;
}

export interface Evidence {
  readonly pins: readonly PinSeen[];
  /** Where the header contradicts what it pins. */
  readonly contradictions: readonly string[];
  /** Undefined where something is missing, changed, or of another kernel version; `why` says what. */
  readonly made: Made | undefined;
  readonly why: string;
}

/**
 * Makes again what the header of a recording names, from the artifact store and from `artifacts`, further folders of the same
 * layout. What is missing, changed or contradictory is said, not thrown.
 */
export async function evidenceOf(
  header: JsonObject,
  artifacts: readonly string[],
  env: Environment,
): Promise<Evidence> {
  const store = storeOf(env, artifacts);
  const pins: PinSeen[] = [];
  for (const pin of pinsOf(header)) {
    pins.push({ ...pin, ...(await seen(pin.digest, (digest) => store.get(digest))) });
  }
  const lacking = pins.filter(({ state }) => state !== "here");
  if (lacking.length > 0) {
    const why = `${lacking.length} of ${pins.length} pinned artifacts are not to be had`;
    return { pins, contradictions: [], made: undefined, why };
  }
  if (header.kernel !== KERNEL_VERSION) {
    const why = `it was made by kernel version \`${String(header.kernel)}\`, this is \`${KERNEL_VERSION}\``;
    return { pins, contradictions: [], made: undefined, why };
  }
  try {
    const read = readHeader(header);
    const resolved = await resolveFromStore(read.source, resolveDeps(store));
    return { pins, contradictions: contradictionsOf(header, read, resolved), made: madeOf(read, resolved), why: "" };
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    const missing = error instanceof InputError && error.code === "artifact-missing";
    return { pins, contradictions: missing ? [] : [error.message], made: undefined, why: error.message };
  }
}

function pinsOf({ pins }: JsonObject): Pick<PinSeen, "kind" | "name" | "version" | "digest">[] {
  if (!Array.isArray(pins)) return [];
  return pins.map((pin: Json) => {
    const { kind, name, version, digest } = isJsonObject(pin) ? pin : {};
    return { kind: String(kind), name: String(name), version: String(version), digest: String(digest) };
  });
}

async function seen(
  digest: string,
  get: (digest: Digest) => Promise<Uint8Array>,
): Promise<Pick<PinSeen, "state" | "message">> {
  if (!isDigest(digest)) return { state: "changed", message: `\`${digest}\` is no digest` };
  try {
    await get(digest);
    return { state: "here", message: "" };
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    const missing = error instanceof InputError && error.code === "artifact-missing";
    return missing
      ? { state: "missing", message: `no artifact \`${digest}\` in the store or in a folder that was given` }
      : { state: "changed", message: error.message };
  }
}

function contradictionsOf(header: JsonObject, read: Header, resolved: ResolvedBlueprint): string[] {
  const { agent } = resolved;
  const { provider, id } = chooseModel(resolved, read.chosen);
  const said: [string, Json, Json | undefined][] = [
    ["blueprint", agent.blueprint, header.blueprint],
    ["agent", { name: agent.name, version: agent.version }, header.agent],
    ["pins", resolved.pins as unknown as Json, header.pins],
    ["limits", resolved.limits as unknown as Json, header.limits],
    ["model", { provider, id }, header.model],
  ];
  return said.flatMap(([member, expected, found]) => {
    const [pinned, stands] = [canonicalJson(expected), canonicalJson(found ?? null)];
    return pinned === stands
      ? []
      : [`the header's \`${member}\` is not that of its blueprint: expected ${pinned}, found ${stands}`];
  });
}

function madeOf(header: Header, resolved: ResolvedBlueprint): Made {
  const layers = layersOf(resolved, header);
  const authority = effectivePermission(layers);
  const tools = toolsOf(resolved, { authority, depth: header.depth, world: noWorld() });
  // What a run would refuse before it starts is refused here, too.
  specOf(header, resolved, { tools, authority });
  const plan = planChains(resolved.hooks, resolved.chain);
  const chain = Object.fromEntries(PHASES.map((phase) => [phase, plan[phase].hooks])) as Made["chain"];
  return {
    agent: resolved.agent,
    chain,
    hooks: resolved.hooks.filter((hook) => PHASES.some((phase) => chain[phase].includes(hook))),
    layers,
    children: new Set(Object.values(resolved.children).map((child) => child.agent.blueprint)),
    idempotent: (tool) => {
      const spec = tools.get(tool);
      return spec && spec.idempotency === "idempotent";
    },
    permit: (call, resolution) => tools.permit(call, resolution),
    invalidArguments: (call) => tools.invalidArguments(call),
  };
}
