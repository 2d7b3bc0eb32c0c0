import { effectiveConfinement } from "../../capability/confinement.ts";
import { inOrder } from "../../capability/decision.ts";
import { commonCommands, commonDomains } from "../../capability/intersection.ts";
import type { Backend, Layer } from "../../capability/layer.ts";
import { digestOfLayer, Narrowing } from "../../capability/narrowing.ts";
import type { Digest } from "../../model/canonical.ts";
import type { Limits } from "../../model/payload.ts";
import type { Environment } from "../machine.ts";
import { specOf } from "../spec.ts";
import { noWorld, toolsOf } from "../tools.ts";
import { type Asked, subjectOf } from "./subject.ts";

/** What `pinion policy show --json` prints. */
export interface PolicyView {
  readonly of: string;
  readonly layers: readonly { readonly name: string; readonly digest: Digest; readonly grants: Omit<Layer, "name"> }[];
  /** What all layers allow together, without what `denied` takes away again. */
  readonly effective: {
    readonly tools: readonly string[];
    /** Parts of the workspace that all layers allow as a whole; patterns with wildcards inside hold besides. */
    readonly read: readonly string[];
    readonly write: readonly string[];
    readonly processes: readonly (readonly string[])[];
    /** In the order in which the blueprint prefers them. */
    readonly processBackends: readonly Backend[];
    readonly processNetwork: "none" | "host";
    readonly domains: readonly string[];
    readonly secrets: readonly string[];
    readonly limits: Limits & { readonly approvals?: number };
  };
  /** The union of what the layers deny explicitly. */
  readonly denied: {
    readonly files: readonly string[];
    readonly processes: readonly (readonly string[])[];
    readonly domains: readonly string[];
  };
}

/** The effective permission of a blueprint or a run, layer by layer and together. Throws as `subjectOf` does. */
export async function showPolicy(asked: Asked, env: Environment): Promise<PolicyView> {
  const { name: of, resolved, layers, depth } = await subjectOf(asked, env);
  const { authority } = new Narrowing(layers);
  const tools = toolsOf(resolved, { authority, depth, world: noWorld() });
  const header = { run: "", model: { provider: "", id: "" }, depth };
  const { limits } = specOf(header, resolved, { tools, authority });
  const { approvals } = authority.budgets;
  const trees = (action: "read" | "write"): readonly string[] =>
    authority.trees(action).map(({ path, deep }) => (deep ? (path === "." ? "**" : `${path}/**`) : path));
  return {
    of,
    layers: inOrder(layers).map((layer) => {
      const { name, ...grants } = layer;
      return { name, digest: digestOfLayer(layer), grants };
    }),
    effective: {
      tools: tools.tools.map(({ name }) => name),
      read: trees("read"),
      write: trees("write"),
      processes: commonCommands(layers.map(({ process }) => process.allow)),
      processBackends: effectiveConfinement(layers).backend,
      processNetwork: authority.processNetwork,
      domains: commonDomains(layers.map(({ network }) => network.domains)),
      secrets: Object.keys(resolved.secrets).filter((secret) => authority.secret(secret).allow),
      limits: { ...limits, ...(approvals === undefined ? {} : { approvals }) },
    },
    denied: {
      files: [...new Set(layers.flatMap(({ filesystem }) => filesystem.deny))],
      processes: distinct(layers.flatMap(({ process }) => process.deny)),
      domains: [...new Set(layers.flatMap(({ network }) => network.deny))],
    },
  };
}

function distinct(commands: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return [...new Map(commands.map((words) => [JSON.stringify(words), words])).values()];
}
