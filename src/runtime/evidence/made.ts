import type { ResolvedBlueprint } from "../../blueprint/resolve.ts";
import type { Layer } from "../../capability/layer.ts";
import { covers } from "../../capability/lease/capability.ts";
import { leaseRules } from "../../capability/lease/rules.ts";
import { readCapability } from "../../capability/lease/uri.ts";
import { Narrowing } from "../../capability/narrowing.ts";
import { type Demand, demandOfHook } from "../../model/approval.ts";
import type { Digest } from "../../model/canonical.ts";
import type { PinnedHook } from "../../model/hook.ts";
import type { Json, JsonObject } from "../../model/json.ts";
import type { PreTool } from "../../model/payload.ts";
import { PHASES, type Phase } from "../../model/phase.ts";
import type { Permission, ToolRequest } from "../../model/tool.ts";
import { planChains } from "../../pipeline/plan.ts";
import { approvalRules } from "../approval-rules.ts";
import { layerFrom, permissionPort } from "../policy/permission.ts";
import { type Header, layersOf, specOf } from "../spec.ts";
import { noWorld, toolsOf } from "../tools.ts";

/** What a recording says it was made of, made again from artifacts alone: nothing runs, nothing is reached. */
export interface Made {
  /** In the order in which the hooks are asked. */
  readonly chain: Readonly<Record<Phase, readonly PinnedHook[]>>;
  /** The hooks that some chain asks, in the order of the pins. */
  readonly hooks: readonly PinnedHook[];
  /** Digests of the blueprints of its children. */
  readonly children: ReadonlySet<Digest>;
  /** The effective permission as it is when the run starts. */
  permission(): PermissionAgain;
}

/** The effective permission of a run, followed through its journal. */
export interface PermissionAgain {
  readonly layers: readonly Layer[];
  /** What `check.permission` says here. */
  facts(): JsonObject;
  /** Throws `IntegrityError` for what is no layer, `InputError` for one that cannot mean what it says. */
  narrow(layers: readonly Json[]): void;
  /** What it says of a call and what it resolved to. Pure. */
  permit(call: ToolRequest, resolution: JsonObject): Permission;
  /** What of the call does not fit the tool, or undefined. */
  invalidArguments(call: ToolRequest): string | undefined;
  /** What rules and hooks demand an approval for: `action` of a `pre-tool`, `hooks` those that asked for one. Pure. */
  demands(action: Pick<PreTool, "call" | "resolution"> | undefined, hooks: readonly string[]): readonly Demand[];
  /**
   * Why these capabilities, those of the leases that a boundary names, do not serve a call of the agent that needs leases, or name
   * some where none is needed; undefined when they do. Pure.
   */
  unserved(call: ToolRequest, resolution: JsonObject, capabilities: readonly string[] | undefined): string | undefined;
}

/** Throws as a run does before it starts. */
export function madeOf(header: Header, resolved: ResolvedBlueprint): Made {
  const plan = planChains(resolved.hooks, resolved.chain);
  const chain = Object.fromEntries(PHASES.map((phase) => [phase, plan[phase].hooks])) as Made["chain"];
  const permission = () => permissionAgain(header, resolved);
  permission();
  return {
    chain,
    hooks: resolved.hooks.filter((hook) => PHASES.some((phase) => chain[phase].includes(hook))),
    children: new Set(Object.values(resolved.children).map((child) => child.agent.blueprint)),
    permission,
  };
}

function permissionAgain(header: Header, resolved: ResolvedBlueprint): PermissionAgain {
  const narrowing = new Narrowing(layersOf(resolved, header));
  const { authority } = narrowing;
  const tools = toolsOf(resolved, { authority, depth: header.depth, world: noWorld() });
  const { inherited, around } = header;
  const own = layersOf(resolved, { inherited: [], around });
  const rules = () => leaseRules({ own, inherited, all: narrowing.layers });
  const port = permissionPort(narrowing, () => specOf(header, resolved, { tools, authority }));
  return {
    get layers() {
      return narrowing.layers;
    },
    facts: () => port.facts(),
    narrow: (layers) => narrowing.add(layers.map(layerFrom)),
    permit: (call, resolution) => tools.permit(call, resolution),
    invalidArguments: (call) => tools.invalidArguments(call),
    demands: (action, hooks) => [
      ...(action === undefined ? [] : approvalRules(() => narrowing.layers).demands(action)),
      ...[...new Set(hooks)].map(demandOfHook),
    ],
    unserved(call, resolution, capabilities) {
      const needs = tools.needs(call, resolution).filter(({ resource }) => rules().required.has(resource));
      if (capabilities === undefined) return needs[0] && `\`${needs[0].resource}\` needs a lease, and it names none`;
      if (needs.length === 0) return "it names leases, and needs none";
      const held = capabilities.map(readCapability);
      const missing = needs.find((need) => !held.some((one) => !("wrong" in one) && covers(one, need)));
      return missing && `no lease that it names covers what it does to \`${missing.resource}\``;
    },
  };
}
