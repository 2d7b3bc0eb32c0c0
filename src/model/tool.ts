import type { Json, JsonObject } from "./json.ts";
import type { DelegatedLease, Need } from "./lease.ts";
import type { Taxon } from "./phase.ts";

/** What may happen when the outcome of a call is not known after a crash: run again, or ask. */
export type Idempotency = "idempotent" | "unsafe";

/** One entry of the tool registry. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  readonly taxon: Taxon;
  readonly readOnly: boolean;
  readonly idempotency: Idempotency;
  /** JSON Schema 2020-12; unknown fields are refused. */
  readonly inputSchema: JsonObject;
  readonly outputSchema: JsonObject;
  /** Secrets that it is handed, none unless given. */
  readonly secrets?: readonly SecretUse[];
}

/** Where a secret is put when a tool runs; `schemas/tools.v1.json` describes the fields. */
export interface SecretUse {
  readonly name: string;
  readonly as: "header" | "environment" | "file" | "stdin";
  readonly header?: string;
  readonly variable?: string;
  readonly format?: string;
  readonly domains?: readonly string[];
  readonly argv?: readonly (readonly string[])[];
}

/** The effective permission for one call: machine ∩ policy bundle ∩ blueprint ∩ parent. Pure: the same call gives the same answer. */
export interface Permission {
  readonly allow: boolean;
  /** Which rule decided, e.g. `policy review-policy@1.0.0: filesystem.deny[0] "secrets/**"`. */
  readonly rule: string;
  readonly reason: string;
}

export interface ToolRequest {
  readonly tool: string;
  readonly arguments: JsonObject;
}

/** A failure that the agent is told about. `message` holds no absolute host paths and no secrets. */
export class ToolError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = "ToolError";
    this.code = code;
  }
}

/** The tools of one run. */
export interface ToolBox {
  /** Those that the effective permission of the moment allows. */
  readonly tools: readonly ToolSpec[];
  get(name: string): ToolSpec | undefined;
  /** Undefined when the arguments are valid, otherwise what is wrong, one line per fault. Pure. */
  invalidArguments(call: { readonly tool: string; readonly arguments: Json }): string | undefined;
  /** Effective permission over tool, arguments and what they resolve to. Pure. */
  permit(call: ToolRequest, resolution: JsonObject): Permission;
  /** What the call touches, all of it: what leases are asked for. Pure. */
  needs(call: ToolRequest, resolution: JsonObject): readonly Need[];
  /**
   * Reads what the world makes of the arguments (which file, which executable, their digests) without changing anything.
   * What cannot be resolved (a path outside, no such file) is data in the resolution, so that gates see it; never throws for it.
   * `earlier`: what the same call resolved to before; facts that may differ from one look to the next, such as addresses, are taken from it.
   */
  resolve(call: ToolRequest, signal: AbortSignal, earlier?: JsonObject): Promise<JsonObject>;
  /**
   * Does it, on exactly what was resolved: refuses with `ToolError("resolution-changed")` when the world is no longer that.
   * Returns a value that fits the output schema. Throws `ToolError` for what the agent should be told.
   */
  perform(call: ToolRequest, resolution: JsonObject, signal: AbortSignal, leased?: Leased): Promise<Json>;
}

/** What the leases that serve a call mean for performing it. */
export interface Leased {
  /** Whether what the call comes upon later, such as where a redirect leads, is within them too. Pure. */
  permits(need: Need): Permission;
  /** What the child that it starts is given. */
  readonly delegated: readonly DelegatedLease[];
}
