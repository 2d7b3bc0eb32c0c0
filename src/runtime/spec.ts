import type { ResolvedBlueprint } from "../blueprint/resolve.ts";
import { type Layer, type PolicyBundle, policyLayer } from "../capability/layer.ts";
import { ANY_LEASE } from "../capability/lease/rules.ts";
import type { Authority } from "../capability/permission.ts";
import type { RunSpec } from "../kernel/run.ts";
import { KERNEL_VERSION } from "../kernel/version.ts";
import { type Digest, isDigest } from "../model/canonical.ts";
import { InputError } from "../model/errors.ts";
import type { Signer } from "../model/hook.ts";
import { isJsonObject, type JsonObject } from "../model/json.ts";
import type { DelegatedLease } from "../model/lease.ts";
import type { Phase } from "../model/phase.ts";
import type { ToolBox } from "../model/tool.ts";
import { programs } from "../sandbox/programs.ts";
import type { Chosen } from "./model.ts";
import { layerFrom } from "./policy/permission.ts";

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
  /** The layers of permission around the blueprint's own, as they were when the run started: the machine's, the user's, the run's. */
  readonly around: readonly Layer[];
  /** Which hooks this machine trusted when the run started, and whose signature they bear; the others are `sandboxed`. */
  readonly trust: Readonly<Record<string, Signer>>;
  /** Proposals that run in shadow because the person who started the run said so. */
  readonly shadows: readonly ShadowPin[];
  /** Leases that the parent delegated. */
  readonly delegated: readonly DelegatedLease[];
  /** What the person who started the run said instead of the blueprint. */
  readonly chosen: Chosen;
}

/** A proposal in shadow: its manifest and the phases that it watches. */
export interface ShadowPin {
  readonly name: string;
  readonly version: string;
  readonly manifest: Digest;
  readonly phases: readonly Phase[];
}

export function headerOf(options: {
  readonly run: string;
  readonly resolved: ResolvedBlueprint;
  readonly model: RunSpec["model"];
  readonly chosen: Chosen;
  readonly depth: number;
  readonly inherited: readonly Layer[];
  readonly around: readonly Layer[];
  readonly trust: Header["trust"];
  readonly shadows: Header["shadows"];
  readonly delegated: Header["delegated"];
  /** The run that spawned this one. */
  readonly parent?: string | undefined;
  readonly layer: string | null;
  /** Layers that confine its hook hosts. */
  readonly hookHost: readonly string[];
}): Header & { readonly line: JsonObject & { readonly run: string; readonly kernel: string } } {
  const { run, resolved, model, chosen, depth, inherited, parent, layer, hookHost } = options;
  const { around, trust, shadows, delegated } = options;
  const header: Header = {
    run,
    kernel: KERNEL_VERSION,
    blueprint: resolved.agent.blueprint,
    source: resolved.bytes,
    model: { provider: model.provider, id: model.id },
    depth,
    layer,
    inherited,
    around,
    trust,
    shadows,
    delegated,
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

/**
 * The header of a journal that is run again. Throws `InputError` when another version of the kernel wrote it, or it lacks a part, and
 * `IntegrityError` for a layer that is none.
 */
export function readHeader(header: JsonObject): Header {
  const { run, kernel, blueprint, source, model, depth, layer, inherited, chosen } = header;
  const { around, trust, shadows, delegated } = header;
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
    !Array.isArray(around) ||
    !isJsonObject(trust) ||
    !Array.isArray(shadows) ||
    !Array.isArray(delegated) ||
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
    inherited: inherited.map(layerFrom),
    around: around.map(layerFrom),
    trust: trust as unknown as Header["trust"],
    shadows: shadows as unknown as Header["shadows"],
    delegated: delegated as unknown as Header["delegated"],
    chosen: {
      model: typeof chosen.model === "string" ? chosen.model : undefined,
      baseUrl: typeof chosen.baseUrl === "string" ? chosen.baseUrl : undefined,
    },
  };
}

/** What the kernel is given. Where a layer of permission allows less than the limits of the blueprint, that holds. */
export function specOf(
  header: Pick<Header, "run" | "model" | "depth">,
  resolved: ResolvedBlueprint,
  { tools, authority }: { readonly tools: ToolBox; readonly authority: Authority },
): RunSpec {
  return {
    run: header.run,
    agent: resolved.agent,
    system: resolved.systemPrompt,
    model: header.model,
    settings: resolved.runtime.settings,
    tools: tools.tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
    limits: limitsOf(resolved, authority),
    context: resolved.context,
    depth: header.depth,
  };
}

function limitsOf({ limits }: ResolvedBlueprint, { budgets, spawnLimits }: Authority): RunSpec["limits"] {
  const least = (name: "steps" | "tokens" | "toolCalls" | "stepMs" | "runMs"): number =>
    Math.min(limits[name], budgets[name] ?? limits[name]);
  return {
    steps: least("steps"),
    tokens: least("tokens"),
    toolCalls: least("toolCalls"),
    stepMs: least("stepMs"),
    runMs: least("runMs"),
    spawnDepth: Math.min(limits.spawnDepth, spawnLimits.depth),
    spawnCount: Math.min(limits.spawnCount, spawnLimits.count),
  };
}

/**
 * The layers whose intersection is the effective permission: policy bundle, blueprint, those of the parents, and those of the
 * machine, the user and the run.
 */
export function layersOf(
  resolved: ResolvedBlueprint,
  { inherited, around }: Pick<Header, "inherited" | "around">,
): readonly Layer[] {
  const { agent, execution, tools, limits, secrets, approvals, leases } = resolved;
  const { read, write, deny } = execution.filesystem;
  return [
    policyLayer(resolved.policy as unknown as PolicyBundle),
    {
      name: `blueprint ${agent.name}@${agent.version}`,
      filesystem: { read, write, deny },
      process: { allow: execution.process.allow, deny: [], network: execution.process.network },
      network: { domains: execution.network.domains, deny: [] },
      tools,
      spawn: { depth: limits.spawnDepth, count: limits.spawnCount },
      secrets: { allow: Object.keys(secrets) },
      budgets: {},
      approvals,
      leases: { ...leases, request: ANY_LEASE, mint: ANY_LEASE },
      confinement: { backend: execution.backend, limits: execution.process.limits },
    },
    ...inherited,
    ...around,
  ];
}
