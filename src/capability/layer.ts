import type { Taxon } from "../model/phase.ts";
import type { Confinement } from "./confinement.ts";

/**
 * What one authority allows: a policy bundle, a blueprint, a parent run. What is not listed is denied.
 * `schemas/policy.v1.json` describes the fields.
 */
export interface Grants {
  readonly filesystem: {
    readonly read: readonly string[];
    readonly write: readonly string[];
    readonly deny: readonly string[];
  };
  readonly process: { readonly allow: readonly (readonly string[])[]; readonly network: "none" | "host" };
  readonly network: { readonly domains: readonly string[] };
  readonly tools: {
    readonly taxa: readonly Taxon[];
    readonly allow: readonly string[];
    readonly deny: readonly string[];
  };
  readonly spawn: { readonly depth: number; readonly count: number };
}

/** One set of grants under the name that a denial gives, e.g. `policy review-policy@1.0.0`. */
export interface Layer extends Grants {
  readonly name: string;
  /** Of a blueprint; a policy bundle says nothing of it. */
  readonly confinement?: Confinement;
}

/** A policy bundle as it is written (`schemas/policy.v1.json`). */
export interface PolicyBundle {
  readonly apiVersion: "pinion.dev/v1";
  readonly kind: "PolicyBundle";
  readonly metadata: { readonly name: string; readonly version: string; readonly description?: string };
  readonly spec: Grants;
}

/** The layer of a policy bundle: `policy <name>@<version>`. */
export function policyLayer(bundle: PolicyBundle): Layer {
  return { name: `policy ${bundle.metadata.name}@${bundle.metadata.version}`, ...bundle.spec };
}
