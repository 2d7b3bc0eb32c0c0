import { canonicalJson, type Digest, digestOf } from "../../model/canonical.ts";
import type { JsonObject } from "../../model/json.ts";

/** What is proposed: exactly these bytes. */
export interface ProposalContent {
  readonly manifest: Uint8Array;
  readonly component: Uint8Array;
  /** Texts by their path, for a person to read; nothing of Pinion runs them. */
  readonly sources: Readonly<Record<string, string>>;
}

export interface ProposalDigests {
  readonly manifest: Digest;
  readonly component: Digest;
  readonly sources: Readonly<Record<string, Digest>>;
}

/** Who proposed it. */
export type Proposer =
  | {
      readonly kind: "agent";
      readonly run: string;
      readonly agent: { readonly name: string; readonly version: string; readonly blueprint: Digest };
      /** Of what the agent asked for, without its reason: a component built again has other bytes. */
      readonly asked: Digest;
    }
  | { readonly kind: "person"; readonly user: string };

/** What is known of a proposal besides its bytes; not part of what its id names. */
export interface ProposalNote {
  readonly name: string;
  readonly version: string;
  readonly by: Proposer;
  readonly reason: string;
  /** ms since the epoch. */
  readonly at: number;
}

/** What became of it. `signature`: sha256 of the signature's bytes. */
export type ProposalDecision = {
  readonly by: string;
  /** ms since the epoch. */
  readonly at: number;
} & (
  | { readonly kind: "approved"; readonly key: string; readonly signature: Digest }
  | { readonly kind: "rejected"; readonly reason: string }
);

export type ProposalState = "pending" | ProposalDecision["kind"];

/** A proposal whose bytes have just been read and are those that its id names. */
export interface Proposal {
  readonly id: string;
  readonly content: ProposalContent;
  readonly digests: ProposalDigests;
  readonly note: ProposalNote;
  readonly decision: ProposalDecision | undefined;
}

export function digestsOf({ manifest, component, sources }: ProposalContent): ProposalDigests {
  return {
    manifest: digestOf(manifest),
    component: digestOf(component),
    sources: Object.fromEntries(Object.entries(sources).map(([path, text]) => [path, digestOf(text)])),
  };
}

const ID_DIGITS = 40;

/**
 * 40 hexadecimal digits of the sha256 over the canonical form of the digests: another byte is another proposal. What a person approves
 * is named by it alone, so it is long enough that nobody finds two contents of one id.
 */
export function proposalId(digests: ProposalDigests): string {
  const named: JsonObject = { ...digests, sources: { ...digests.sources } };
  return digestOf(canonicalJson(named)).slice("sha256:".length, "sha256:".length + ID_DIGITS);
}

export function isProposalId(text: string): boolean {
  return text.length === ID_DIGITS && /^[0-9a-f]+$/.test(text);
}

export function stateOf({ decision }: Pick<Proposal, "decision">): ProposalState {
  return decision?.kind ?? "pending";
}
