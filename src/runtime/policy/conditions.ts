import { inOrder } from "../../capability/decision.ts";
import type { Layer } from "../../capability/layer.ts";
import { patternOf } from "../../capability/lease/pattern.ts";
import { printCapability } from "../../capability/lease/uri.ts";
import type { JsonObject } from "../../model/json.ts";
import type { Need } from "../../model/lease.ts";
import type { Permission, ToolSpec } from "../../model/tool.ts";
import { refOf, usesOf } from "../../tool/secrets/uses.ts";

/** A lease that the agent needs for a call. */
export interface NeededLease {
  /** In canonical form: the least that covers it. */
  readonly capability: string;
  /** The layers that say so. */
  readonly by: readonly string[];
}

/** A secret that goes with a call, where the run has a value for it. */
export interface NeededSecret {
  readonly name: string;
  readonly as: string;
  /** A header, a variable, or `stdin`. */
  readonly to: string;
  readonly allow: boolean;
}

/** The secrets that the registry hands to a call. */
export function neededSecrets(
  spec: ToolSpec,
  given: JsonObject,
  authority: { secret(name: string): Permission },
): readonly NeededSecret[] {
  return usesOf(spec, given)
    .map(refOf)
    .map(({ name, as, to }) => ({ name, as, to, allow: authority.secret(name).allow }));
}

/** What of a call the agent may do under a lease only. */
export function neededLeases(layers: readonly Layer[], needs: readonly Need[]): readonly NeededLease[] {
  return needs.flatMap(({ resource, action, path, deep }) => {
    const by = inOrder(layers).filter(({ leases }) => leases.require.includes(resource));
    if (by.length === 0) return [];
    const pattern = patternOf(resource === "fs" ? ["workspace", ...path] : path, deep);
    const capability = printCapability({ resource, path: pattern, actions: [action] });
    return [{ capability, by: by.map(({ name }) => name) }];
  });
}
