import type { ResolvedBlueprint } from "../blueprint/resolve.ts";
import type { Layer } from "../capability/layer.ts";
import { LeaseDesk } from "../capability/lease/desk.ts";
import { type LeaseLayers, leaseRules, type Rules } from "../capability/lease/rules.ts";
import { RunLeases } from "../capability/lease/run-leases.ts";
import type { Journal } from "../model/entry.ts";
import { type Header, layersOf } from "./spec.ts";

/** Makes the leases of a run, and the desk at which its hooks ask for them. */
export type MakeLeases = (parts: {
  readonly journal: Journal;
  readonly hooks: readonly string[];
  token(name: string): string;
}) => { readonly leases: RunLeases; readonly desk: LeaseDesk };

/**
 * What the layers in force say of leases, with what the run above delegated. Throws `InputError` (`bad-capability`) for what is no
 * capability.
 */
export function leasesOf(
  resolved: ResolvedBlueprint,
  header: Pick<Header, "run" | "inherited" | "around" | "delegated">,
  inForce: () => readonly Layer[],
): MakeLeases {
  const { run, inherited, around, delegated } = header;
  const own = layersOf(resolved, { inherited: [], around });
  const rules = lastOf((all: readonly Layer[]): Rules => leaseRules({ own, inherited, all } satisfies LeaseLayers));
  rules(inForce());
  const now = () => rules(inForce());
  return (parts) => {
    const leases = new RunLeases({ ...parts, run, delegated, rules: now });
    return { leases, desk: new LeaseDesk(leases, { ...parts, rules: now }) };
  };
}

/** Computes anew only for another value than the last one. */
function lastOf<V, R>(compute: (value: V) => R): (value: V) => R {
  let last: { readonly value: V; readonly result: R } | undefined;
  return (value) => {
    if (last?.value !== value) last = { value, result: compute(value) };
    return last.result;
  };
}
