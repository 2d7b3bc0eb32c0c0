import type { ResolvedBlueprint } from "../blueprint/resolve.ts";
import type { Layer } from "../capability/layer.ts";
import { narrowedRules } from "../capability/lease/narrowed.ts";
import { leaseRules } from "../capability/lease/rules.ts";
import { RunLeases } from "../capability/lease/run-leases.ts";
import type { Journal } from "../model/entry.ts";
import { type Header, layersOf } from "./spec.ts";

/** Makes the leases of a run once its seed is there. */
export type MakeLeases = (parts: { readonly journal: Journal; token(name: string): string }) => RunLeases;

/**
 * What the layers of a run say of leases, with what the run above delegated to it. Throws `InputError` (`bad-capability`) for what is
 * no capability.
 */
export function leasesOf(
  resolved: ResolvedBlueprint,
  { run, inherited, around, delegated }: Pick<Header, "run" | "inherited" | "around" | "delegated">,
  /** The layers of the moment: those that the run was narrowed by count as its own. */
  moment?: () => readonly Layer[],
): MakeLeases {
  const own = layersOf(resolved, { inherited: [], around });
  const began = leaseRules({ own, inherited });
  const rules = moment === undefined ? began : narrowedRules(moment, { own, inherited, began });
  return (parts) => new RunLeases({ ...parts, run, rules, delegated });
}
