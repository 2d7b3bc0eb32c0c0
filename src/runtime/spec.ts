import type { ResolvedBlueprint } from "../blueprint/resolve.ts";
import { type Layer, type PolicyBundle, policyLayer } from "../capability/layer.ts";
import type { Authority } from "../capability/permission.ts";
import type { RunSpec } from "../kernel/run.ts";
import { KERNEL_VERSION } from "../kernel/version.ts";
import { type Digest, isDigest } from "../model/canonical.ts";
import { InputError } from "../model/errors.ts";
import { isJsonObject, type JsonObject } from "../model/json.ts";
import type { ToolBox } from "../model/tool.ts";
import { programs } from "../sandbox/programs.ts";
import type { Chosen } from "./model.ts";

/** What the header of a journal says of a run, besides what the journal itself adds. */
export interface Header {
  readonly run: string;
  readonly kernel: string;
  /** Digest of the canonical form. */
  readonly blueprint: Digest;
  /** sha256 of the blueprint's bytes: by it the store has everything. */
  readonly source: Digest;
  readonly model: { readonly provider: string; readonly id: string };
  readonly depth: number;
  /** The run whose layer holds what this one changes, itself or a parent; null where it works on the workspace itself. */
  readonly layer: string | null;
  /** The layers of permission that a child run has from its parents. */
  readonly inherited: readonly Layer[];
  /** What the person who started the run said instead of the blueprint. */
  readonly chosen: Chosen;
}

export function headerOf(options: {
  readonly run: string;
  readonly resolved: ResolvedBlueprint;
  readonly model: RunSpec["model"];
  readonly chosen: Chosen;
  readonly depth: number;
  readonly inherited: readonly Layer[];
  /** The run that spawned this one. */
  readonly parent?: string | undefined;
  readonly layer: string | null;
  /** Layers that confine its hook hosts. */
  readonly hookHost: readonly string[];
}): Header & { readonly line: JsonObject & { readonly run: string; readonly kernel: string } } {
  const { run, resolved, model, chosen, depth, inherited, parent, layer, hookHost } = options;
  const header: Header = {
    run,
    kernel: KERNEL_VERSION,
    blueprint: resolved.agent.blueprint,
    source: resolved.bytes,
    model: { provider: model.provider, id: model.id },
    depth,
    layer,
    inherited,
    chosen,
  };
  const line = {
    ...header,
    agent: { name: resolved.agent.name, version: resolved.agent.version },
    pins: resolved.pins,
    limits: resolved.limits,
    ...(parent === undefined ? {} : { parent }),
    node: process.version,
    jco: programs().jco,
    hookHost,
  };
  // Through JSON, which leaves out what is undefined.
  return { ...header, line: JSON.parse(JSON.stringify(line)) as JsonObject & { run: string; kernel: string } };
}

/** The header of a journal that is run again. Throws `InputError` when another version of the kernel wrote it, or it lacks a part. */
export function readHeader(header: JsonObject): Header {
  const { run, kernel, blueprint, source, model, depth, layer, inherited, chosen } = header;
  if (kernel !== KERNEL_VERSION) {
    throw new InputError({
      code: "kernel-version",
      message: `the recording was made by kernel version \`${String(kernel)}\`, this is version \`${KERNEL_VERSION}\``,
      hint: "it can still be shown and verified; to run it again, use a Pinion with that kernel version",
    });
  }
  if (
    typeof run !== "string" ||
    !isDigest(blueprint) ||
    !isDigest(source) ||
    !isJsonObject(model) ||
    typeof model.provider !== "string" ||
    typeof model.id !== "string" ||
    typeof depth !== "number" ||
    !(layer === null || typeof layer === "string") ||
    !Array.isArray(inherited) ||
    !isJsonObject(chosen)
  ) {
    throw new InputError({ code: "bad-header", message: "the header of the recording does not say what was run" });
  }
  return {
    run,
    kernel,
    blueprint,
    source,
    depth,
    layer,
    model: { provider: model.provider, id: model.id },
    inherited: inherited as unknown as readonly Layer[],
    chosen: {
      model: typeof chosen.model === "string" ? chosen.model : undefined,
      baseUrl: typeof chosen.baseUrl === "string" ? chosen.baseUrl : undefined,
    },
  };
}

/** What the kernel is given. Where a layer of permission allows fewer children than the blueprint, that holds. */
export function specOf(
  header: Pick<Header, "run" | "model" | "depth">,
  resolved: ResolvedBlueprint,
  { tools, authority }: { readonly tools: ToolBox; readonly authority: Authority },
): RunSpec {
  const { limits } = resolved;
  const { depth, count } = authority.spawnLimits;
  return {
    run: header.run,
    agent: resolved.agent,
    system: resolved.systemPrompt,
    model: header.model,
    settings: resolved.runtime.settings,
    tools: tools.tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
    limits: {
      ...limits,
      spawnDepth: Math.min(limits.spawnDepth, depth),
      spawnCount: Math.min(limits.spawnCount, count),
    },
    context: resolved.context,
    depth: header.depth,
  };
}

/** The layers whose intersection is the effective permission: policy bundle, blueprint, and those of the parents. */
export function layersOf(resolved: ResolvedBlueprint, inherited: readonly Layer[]): readonly Layer[] {
  const { agent, execution, tools, limits } = resolved;
  return [
    policyLayer(resolved.policy as unknown as PolicyBundle),
    {
      name: `blueprint ${agent.name}@${agent.version}`,
      filesystem: execution.filesystem,
      process: { allow: execution.process.allow, network: execution.process.network },
      network: execution.network,
      tools,
      spawn: { depth: limits.spawnDepth, count: limits.spawnCount },
      confinement: { backend: execution.backend, limits: execution.process.limits },
    },
    ...inherited,
  ];
}
