// Generated from schemas/phase/ by scripts/generate-types.ts. Do not edit.

/**
 * sha256 digest
 */
export type Digest = string;
/**
 * current capsules by kind
 */
export type Capsules = JsonObject;
/**
 * one message of the conversation
 */
export type Message =
  | {
      role: "user";
      /**
       * text
       */
      text: string;
    }
  | {
      role: "assistant";
      /**
       * text
       */
      text: string;
      toolCalls: ToolCall[];
    }
  | {
      role: "tool";
      /**
       * id of the call
       */
      call: string;
      /**
       * name of the tool
       */
      tool: string;
      ok: boolean;
      /**
       * the result, or why there is none
       */
      text: string;
    };
/**
 * state of a run
 */
export type State = "pending" | "running" | "paused" | "completed" | "failed" | "terminated";
/**
 * a boundary that is audited
 */
export type AuditedPhase =
  "pre-plan" | "pre-send" | "post-receive" | "pre-tool" | "post-tool" | "state-transition" | "spawn";

/**
 * What the hooks of each phase see.
 */
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
/**
 * before a step is planned
 */
export interface PrePlan {
  agent: Agent;
  /**
   * the current step, from 1; 0 before the first
   */
  step: number;
  usage: Usage;
  /**
   * what the run is for
   */
  goal: string;
  capsules: Capsules;
  limits: Limits;
}
/**
 * the agent that runs
 */
export interface Agent {
  /**
   * name in the blueprint
   */
  name: string;
  /**
   * version in the blueprint
   */
  version: string;
  blueprint: Digest;
}
/**
 * what the run has used so far
 */
export interface Usage {
  /**
   * steps begun
   */
  steps: number;
  /**
   * tokens sent, as the provider counted them
   */
  inputTokens: number;
  /**
   * tokens received
   */
  outputTokens: number;
  /**
   * tool calls asked for
   */
  toolCalls: number;
  /**
   * child runs started
   */
  spawned: number;
  /**
   * ms that the run has been worked on: no waiting for people, no time in which no process ran
   */
  elapsedMs: number;
}
/**
 * upper bounds of the run
 */
export interface Limits {
  /**
   * steps
   */
  steps: number;
  /**
   * tokens, input and output together
   */
  tokens: number;
  /**
   * tool calls
   */
  toolCalls: number;
  /**
   * ms of one step
   */
  stepMs: number;
  /**
   * ms of the run
   */
  runMs: number;
  /**
   * depth of child runs
   */
  spawnDepth: number;
  /**
   * number of child runs
   */
  spawnCount: number;
}
/**
 * before the model is asked
 */
export interface PreSend {
  agent: Agent;
  /**
   * the current step, from 1; 0 before the first
   */
  step: number;
  usage: Usage;
  /**
   * the model
   */
  model: {
    /**
     * provider
     */
    provider: string;
    /**
     * model id
     */
    id: string;
  };
  /**
   * settings
   */
  settings: {
    temperature?: number;
    maxOutputTokens?: number;
  };
  /**
   * system prompt
   */
  system: string;
  /**
   * the conversation
   */
  messages: Message[];
  /**
   * tools offered
   *
   * Items: a tool
   */
  tools: {
    /**
     * name
     */
    name: string;
    /**
     * description
     */
    description: string;
    inputSchema: JsonObject;
  }[];
}
/**
 * a tool call as the model asked for it
 */
export interface ToolCall {
  /**
   * id of the call
   */
  id: string;
  /**
   * name of the tool
   */
  tool: string;
  /**
   * arguments, absent when what the model wrote is not JSON
   */
  arguments?: Json;
  /**
   * what the model wrote instead of JSON
   */
  raw?: string;
}
/**
 * after the model answered
 */
export interface PostReceive {
  agent: Agent;
  /**
   * the current step, from 1; 0 before the first
   */
  step: number;
  usage: Usage;
  /**
   * what the model said
   */
  text: string;
  /**
   * what it asks for
   */
  toolCalls: ToolCall[];
  /**
   * why it stopped
   */
  finish: string;
  /**
   * tokens of this answer
   */
  tokens: {
    /**
     * tokens
     */
    input: number;
    /**
     * tokens
     */
    output: number;
  };
}
/**
 * before a tool call
 */
export interface PreTool {
  agent: Agent;
  /**
   * the current step, from 1; 0 before the first
   */
  step: number;
  usage: Usage;
  call: Call;
  /**
   * what the call names in the world, read before the chain
   */
  resolution: JsonObject;
  /**
   * the leases that would serve the call, none where it needs one that nobody holds; absent where it needs none
   *
   * @maxItems 64
   */
  leases?: {
    /**
     * what people call it; it is no key to anything
     */
    lease: string;
    /**
     * in canonical form
     */
    capability: string;
    /**
     * how often it may still be used; null for no bound
     */
    uses: number | null;
    /**
     * when it ends, in ms since the epoch; null for with the run
     */
    expires: number | null;
  }[];
}
/**
 * a tool call at its boundary
 */
export interface Call {
  /**
   * id of the call
   */
  id: string;
  /**
   * name of the tool
   */
  tool: string;
  /**
   * side-effect class
   */
  taxon: "pure" | "workspace" | "filesystem" | "network" | "process" | "git" | "browser" | "input" | "agent";
  readOnly: boolean;
  idempotency: "idempotent" | "unsafe";
  /**
   * arguments
   */
  arguments: JsonObject;
  /**
   * `model`, or `hook:<name>`
   */
  origin: string;
}
/**
 * after a tool call
 */
export interface PostTool {
  agent: Agent;
  /**
   * the current step, from 1; 0 before the first
   */
  step: number;
  usage: Usage;
  call: Call;
  /**
   * what came of it
   */
  result:
    | {
        ok: true;
        /**
         * value
         */
        value: Json;
      }
    | {
        ok: false;
        /**
         * stable code
         */
        code: string;
        /**
         * why
         */
        message: string;
      };
}
/**
 * before the state of the run changes
 */
export interface StateTransition {
  agent: Agent;
  /**
   * the current step, from 1; 0 before the first
   */
  step: number;
  usage: Usage;
  from: State;
  to: State;
  /**
   * why
   */
  reason: string;
}
/**
 * before a child run starts
 */
export interface Spawn {
  agent: Agent;
  /**
   * the current step, from 1; 0 before the first
   */
  step: number;
  usage: Usage;
  /**
   * id of the tool call
   */
  call: string;
  /**
   * the child's blueprint
   */
  child: {
    /**
     * name
     */
    name: string;
    /**
     * version
     */
    version: string;
    blueprint: Digest;
  };
  /**
   * what the child is for
   */
  goal: string;
  /**
   * depth of the child
   */
  depth: number;
  /**
   * children before this one
   */
  spawned: number;
}
/**
 * what may be seen of a boundary in clear
 */
export interface Audit {
  boundary: AuditedPhase;
  /**
   * step
   */
  step: number;
  /**
   * what the boundary is about
   */
  subject: string;
  decision: "allow" | "block";
  /**
   * verdicts in order
   *
   * Items: verdicts in order
   */
  verdicts: {
    /**
     * hook
     */
    hook: string;
    decision: "allow" | "block" | "transform" | "failed";
    /**
     * why
     */
    rationale: string;
  }[];
  /**
   * events in order
   *
   * Items: events in order
   */
  events: {
    /**
     * hook
     */
    hook: string;
    /**
     * kind
     */
    kind: string;
    /**
     * data
     */
    data: Json;
  }[];
  /**
   * capsules written
   *
   * Items: capsules written
   */
  capsules: {
    /**
     * hook
     */
    hook: string;
    /**
     * kind
     */
    kind: string;
    /**
     * value
     */
    value: Json;
  }[];
  /**
   * approvals demanded
   *
   * Items: approvals demanded
   */
  approvals: {
    /**
     * hook
     */
    hook: string;
    /**
     * what is to be approved
     */
    request: Json;
  }[];
}

/** A boundary at which hooks are asked. */
export type Phase = keyof Payloads;

/** The kinds of capsules. */
export type CapsuleKind = "status" | "plan" | "decision" | "manifest" | "risk";

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}
