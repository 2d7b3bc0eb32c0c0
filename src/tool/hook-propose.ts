import { digestOf } from "../model/canonical.ts";
import { PHASES, type Phase, ROLES, type Role } from "../model/phase.ts";
import type { Proposer } from "./ports.ts";
import { defineTool, fields, type Tool } from "./tool.ts";

/** What an agent may propose. */
export interface HookProposal {
  readonly name: string;
  readonly version: string;
  readonly role: Role;
  readonly phases: readonly Phase[];
  readonly description: string;
  /** One TypeScript module. */
  readonly source: string;
  readonly reason: string;
}

/** Characters of a source. */
const MOST_SOURCE = 262_144;

/**
 * `hook.propose`: a hook for a person to decide about. Nothing of it runs in this run or any other until somebody lets it run in
 * shadow, or signs it.
 */
export function hookPropose(proposer: Proposer): Tool {
  return defineTool<HookProposal>({
    name: "hook.propose",
    taxon: "agent",
    readOnly: false,
    // The same again is the same proposal.
    idempotency: "idempotent",
    inputSchema: fields({
      name: { type: "string", minLength: 1, maxLength: 64 },
      version: { type: "string", minLength: 1, maxLength: 64 },
      role: { enum: [...ROLES] },
      phases: { type: "array", minItems: 1, maxItems: PHASES.length, uniqueItems: true, items: { enum: [...PHASES] } },
      description: { type: "string", maxLength: 1000 },
      source: { type: "string", minLength: 1, maxLength: MOST_SOURCE },
      reason: { type: "string", minLength: 1, maxLength: 4000 },
    }),
    outputSchema: fields({
      proposal: { type: "string" },
      state: { enum: ["pending", "approved", "rejected"] },
      component: { type: "string" },
    }),
    permit: () => ({
      allow: true,
      rule: "pinion: a proposal is inert",
      reason: "a person decides what becomes of it",
    }),
    needs: () => [],
    prepare: (proposal, { signal }) => ({
      resolution: { source: digestOf(proposal.source) },
      act: async () => ({ ...(await proposer.propose(proposal, signal)) }),
      close: () => undefined,
    }),
  });
}
