import type { Digest } from "./canonical.ts";
import type { Decision } from "./hook.ts";
import type { Json, JsonObject } from "./json.ts";
import type { LeaseFacts } from "./lease.ts";
import type { Message, ModelSettings, Tokens, ToolCall, ToolDescription } from "./message.ts";
import type { CapsuleKind, Phase, RunState, Taxon } from "./phase.ts";
import type { Idempotency } from "./tool.ts";

/**
 * What the hooks of each phase see. The schemas under `schemas/phase/` say the same and are checked
 * before the chain and after every transformer.
 */

/** What has been used so far. Tokens as the provider counted them, times in ms. */
export interface Usage {
  readonly steps: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly toolCalls: number;
  readonly spawned: number;
  readonly elapsedMs: number;
}

/** Upper bounds of a run; the blueprint's `limits`. */
export interface Limits {
  readonly steps: number;
  readonly tokens: number;
  readonly toolCalls: number;
  readonly stepMs: number;
  readonly runMs: number;
  readonly spawnDepth: number;
  readonly spawnCount: number;
}

/** In every payload but `audit`. */
export interface Common {
  readonly agent: { readonly name: string; readonly version: string; readonly blueprint: Digest };
  /** The current step, from 1; 0 before the first. */
  readonly step: number;
  readonly usage: Usage;
}

export interface PrePlan extends Common {
  readonly goal: string;
  readonly capsules: Readonly<Partial<Record<CapsuleKind, Json>>>;
  readonly limits: Limits;
}

export interface PreSend extends Common {
  readonly model: { readonly provider: string; readonly id: string };
  readonly settings: ModelSettings;
  readonly system: string;
  readonly messages: readonly Message[];
  readonly tools: readonly ToolDescription[];
}

export interface PostReceive extends Common {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finish: string;
  readonly tokens: Tokens;
}

export interface CallFacts {
  readonly id: string;
  readonly tool: string;
  readonly taxon: Taxon;
  readonly readOnly: boolean;
  readonly idempotency: Idempotency;
  readonly arguments: JsonObject;
  /** `model`, or `hook:<name>` for a call that a hook requested. */
  readonly origin: string;
}

export interface PreTool extends Common {
  readonly call: CallFacts;
  /** What the call names in the world, as it was read before the chain. */
  readonly resolution: JsonObject;
  /** The leases that would serve the call: none where it needs one that nobody holds. Absent where it needs none. */
  readonly leases?: readonly LeaseFacts[];
}

export interface PostTool extends Common {
  readonly call: CallFacts;
  readonly result:
    | { readonly ok: true; readonly value: Json }
    | { readonly ok: false; readonly code: string; readonly message: string };
}

export interface StateTransition extends Common {
  readonly from: RunState;
  readonly to: RunState;
  readonly reason: string;
}

export interface Spawn extends Common {
  readonly call: string;
  readonly child: { readonly name: string; readonly version: string; readonly blueprint: Digest };
  readonly goal: string;
  /** Depth of the child, from 1, and how many children this run has had before. */
  readonly depth: number;
  readonly spawned: number;
}

/**
 * What the journal, the terminal and the agent may see of a boundary in clear. Transformers of `audit` may change
 * `rationale`, `data`, `value`, `request` and the `kind` of an event, nothing else.
 */
export interface Audit {
  readonly boundary: Phase;
  readonly step: number;
  readonly subject: string;
  readonly decision: "allow" | "block";
  readonly verdicts: readonly {
    readonly hook: string;
    readonly decision: Decision | "failed";
    readonly rationale: string;
  }[];
  readonly events: readonly { readonly hook: string; readonly kind: string; readonly data: Json }[];
  readonly capsules: readonly { readonly hook: string; readonly kind: string; readonly value: Json }[];
  readonly approvals: readonly { readonly hook: string; readonly request: Json }[];
}

export interface Payloads {
  "pre-plan": PrePlan;
  "pre-send": PreSend;
  "post-receive": PostReceive;
  "pre-tool": PreTool;
  "post-tool": PostTool;
  "state-transition": StateTransition;
  spawn: Spawn;
  audit: Audit;
}
