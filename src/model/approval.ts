import type { Digest } from "./canonical.ts";
import type { Json, JsonObject } from "./json.ts";
import type { PreTool } from "./payload.ts";

/** What an answer covers: this action once, the same action for the rest of the run, or a pattern of actions for the rest of the run. */
export const APPROVAL_SCOPES = ["once", "run", "pattern"] as const;
export type ApprovalScope = (typeof APPROVAL_SCOPES)[number];

/** An obligation: a hook or a rule wants a person to agree before an allow counts. */
export interface Demand extends JsonObject {
  /** `hook <name>`, or the layer and the rule: `policy p@1.0.0: approvals.pushes`. */
  readonly by: string;
  /** `once` is always among them. */
  readonly scopes: readonly ApprovalScope[];
  /** ms after which nobody's answer is a denial. */
  readonly expiresMs: number;
  /** Where one is listed: only an answer of such a user, signed by such a key, counts. Empty: whoever may control the run. */
  readonly users: readonly string[];
  readonly keys: readonly string[];
}

/** What a hook may demand: its words are no rule, so they cannot say who answers and for how long an answer holds. */
export function demandOfHook(hook: string): Demand {
  return { by: `hook ${hook}`, scopes: ["once"], expiresMs: 3_600_000, users: [], keys: [] };
}

/** What stands between an action and its allow: everything else allows it. */
export interface Pending {
  readonly action: Digest;
  /** What the boundary is about, in a few words. */
  readonly subject: string;
  readonly demands: readonly Demand[];
}

/** The approval under which an action was allowed. */
export interface Met {
  readonly approval: string;
}

/** How approvals are asked for and met, as the kernel needs it. Everything is pure. */
export interface ApprovalRules {
  /** What the rules of all layers demand for a call. */
  demands(action: Pick<PreTool, "call" | "resolution">): readonly Demand[];
  /** How often one run may ask. */
  readonly most: number;
  /** Why a pattern may not be approved for this call; undefined when it may. */
  wrongPattern(pattern: Json, approved: PreTool): string | undefined;
  /** Whether a pattern that was approved with one call covers another. */
  covers(pattern: Json, approved: PreTool, asked: PreTool): boolean;
  /** The keys that signed an envelope over exactly this statement (`at` is the signer's own). */
  signers(envelope: JsonObject, statement: AnswerStatement): readonly string[];
}

/** What an answer is about; what a signed answer signs, with `at`. */
export interface AnswerStatement extends JsonObject {
  readonly run: string;
  readonly approval: string;
  readonly action: Digest;
  readonly answer: JsonObject;
}
