import type { AgentBlueprint, Approval, Resource } from "../model/generated/blueprint.ts";
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
  readonly process: {
    readonly allow: readonly (readonly string[])[];
    readonly deny: readonly (readonly string[])[];
    /** What may confine them; all that there are unless given. */
    readonly backends?: readonly Backend[];
    readonly network: "none" | "host";
  };
  readonly network: { readonly domains: readonly string[]; readonly deny: readonly string[] };
  readonly tools: {
    readonly taxa: readonly Taxon[];
    readonly allow: readonly string[];
    readonly deny: readonly string[];
  };
  readonly spawn: { readonly depth: number; readonly count: number };
  readonly secrets: { readonly allow: readonly string[] };
  readonly budgets: Budgets;
  readonly approvals: readonly ApprovalRule[];
  readonly leases: LeaseRules;
}

export type Backend = AgentBlueprint["spec"]["execution"]["backend"][number];

/** Nothing is allowed, and nothing bounded. */
export const NO_GRANTS: Grants = {
  filesystem: { read: [], write: [], deny: [] },
  process: { allow: [], deny: [], network: "none" },
  network: { domains: [], deny: [] },
  tools: { taxa: [], allow: [], deny: [] },
  spawn: { depth: 0, count: 0 },
  secrets: { allow: [] },
  budgets: {},
  approvals: [],
  leases: { require: [], grant: [], request: [], mint: [] },
};

/** Upper bounds of one run; what is left out is not bounded by this layer. */
export type Budgets = Readonly<
  Partial<Record<"steps" | "tokens" | "toolCalls" | "stepMs" | "runMs" | "approvals", number>>
>;

/** Which calls need the approval of a person, and whose. The rules of all layers hold together. */
export type ApprovalRule = DeepReadonly<Approval>;

/** Capabilities as texts. `require`: kinds of resources that the agent may use under a lease only. */
export interface LeaseRules {
  readonly require: readonly Resource[];
  readonly grant: readonly string[];
  readonly request: readonly string[];
  readonly mint: readonly string[];
}

type DeepReadonly<T> = T extends readonly (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

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

/** Whose policy bundle it is: one that a blueprint pins, the machine's, the user's, or that of whoever started the run. */
export const POLICY_KINDS = ["policy", "machine policy", "user policy", "run policy"] as const;
export type PolicyKind = (typeof POLICY_KINDS)[number];

/** The layer of a policy bundle: `policy <name>@<version>`, or the same with whose it is in front. */
export function policyLayer(bundle: PolicyBundle, kind: PolicyKind = "policy"): Layer {
  return { name: `${kind} ${bundle.metadata.name}@${bundle.metadata.version}`, ...bundle.spec };
}
