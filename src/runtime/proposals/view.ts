import type { HookManifest } from "../../model/generated/hook.ts";
import {
  type Proposal,
  type ProposalDecision,
  type ProposalDigests,
  type ProposalState,
  type Proposer,
  stateOf,
} from "../../trust/proposals/proposal.ts";
import { type Power, powersOf } from "../../trust/scope.ts";
import type { Environment } from "../machine.ts";
import { type Current, currentOf, diffOf, manifestOf, textsOf } from "./compare.ts";
import { type ProposingCall, proposingCall } from "./origin.ts";
import { type ShadowRuns, shadowRunsOf, totalOf } from "./shadow-runs.ts";
import { proposalsOf } from "./store.ts";

export type { Proposer };

/** A line of `hook proposals list`. `changed`: its files are no longer what its id names. */
export type ProposalRow =
  | {
      readonly proposal: string;
      readonly state: ProposalState;
      readonly name: string;
      readonly version: string;
      readonly by: Proposer;
      readonly reason: string;
      /** RFC 3339. */
      readonly at: string;
    }
  | { readonly proposal: string; readonly state: "changed"; readonly why: string };

/** What `hook proposals show --json` prints. */
export interface ProposalView {
  readonly proposal: string;
  readonly state: ProposalState;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly role: HookManifest["spec"]["role"];
  readonly phases: HookManifest["spec"]["phases"];
  /** What it could do if it were trusted; `mint`: make leases. */
  readonly powers: readonly Power[];
  readonly authority: HookManifest["spec"]["authority"];
  readonly by: Proposer;
  /** The call of the agent by which it was proposed, as the journal of the run says; null when that is not there, and for a person's. */
  readonly call: ProposingCall | null;
  readonly reason: string;
  readonly at: string;
  readonly digests: ProposalDigests;
  /** What it is compared with; null when it follows nothing. */
  readonly current: Omit<Current, "texts"> | null;
  /** Unified, of manifest and sources. */
  readonly diff: string;
  readonly shadow: ShadowRuns & { readonly total: ReturnType<typeof totalOf> };
  readonly decision: ProposalDecision | null;
}

/** Proposals of this user, the oldest first; each has been hashed again. */
export async function listProposals(env: Environment): Promise<readonly ProposalRow[]> {
  return (await proposalsOf(env).list()).map((listed): ProposalRow => {
    if (!listed.ok) return { proposal: listed.id, state: "changed", why: listed.error.message };
    const { proposal } = listed;
    const { name, version, by, reason, at } = proposal.note;
    return {
      proposal: proposal.id,
      state: stateOf(proposal),
      name,
      version,
      by,
      reason,
      at: new Date(at).toISOString(),
    };
  });
}

/**
 * All that helps to decide about a proposal. `against`: a manifest to compare it with. Throws `InputError` when there is no such
 * proposal, `IntegrityError` when its files were changed.
 */
export async function showProposal(
  { id, against }: { readonly id: string; readonly against: string | undefined },
  env: Environment,
): Promise<ProposalView> {
  const store = proposalsOf(env);
  const proposal = await store.get(id);
  const current = await currentOf(proposal, { against, store }, env);
  const shadow = await shadowRunsOf(proposal.digests, env);
  return {
    ...aboutOf(proposal, env),
    ...comparedWith(current, proposal),
    shadow: { ...shadow, total: totalOf(shadow.runs) },
  };
}

function aboutOf(proposal: Proposal, env: Environment) {
  const { note, digests, decision } = proposal;
  const { metadata, spec } = manifestOf(proposal);
  return {
    proposal: proposal.id,
    state: stateOf(proposal),
    name: metadata.name,
    version: metadata.version,
    description: metadata.description ?? "",
    role: spec.role,
    phases: spec.phases,
    powers: powersOf(spec.role, spec.world),
    authority: spec.authority,
    by: note.by,
    call: proposingCall(note.by, env) ?? null,
    reason: note.reason,
    at: new Date(note.at).toISOString(),
    digests,
    decision: decision ?? null,
  };
}

function comparedWith(current: Current | undefined, proposal: Proposal): Pick<ProposalView, "current" | "diff"> {
  const { texts = {}, ...about } = current ?? {};
  return {
    current: current === undefined ? null : (about as Omit<Current, "texts">),
    diff: diffOf(texts, textsOf(proposal)),
  };
}
