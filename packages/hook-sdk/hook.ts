import { defineHook as define } from "./core.ts";
import type { JsonObject, Payloads, Phase } from "./payloads.ts";

/** What the manifest calls `role`. */
export type Role = "gate" | "transformer" | "observer";

export interface Allow {
  readonly decision: "allow";
  /** Why, for people. */
  readonly rationale: string;
}
export interface Block {
  readonly decision: "block";
  readonly rationale: string;
}
export interface Transform<P extends Phase> {
  readonly decision: "transform";
  readonly rationale: string;
  /** The whole new payload as JSON. */
  readonly payload: string;
  /** Only for the type: which phase the payload belongs to. */
  readonly phase?: P;
}

/** What a hook of each role may answer at a phase. */
export interface Answers<P extends Phase> {
  readonly gate: Allow | Block;
  readonly transformer: Allow | Block | Transform<P>;
  readonly observer: Allow;
}

/** Where a hook of each role may be asked. */
interface Places {
  readonly gate: Exclude<Phase, "audit">;
  readonly transformer: Phase;
  readonly observer: "audit";
}

export function allow(rationale: string): Allow {
  return { decision: "allow", rationale };
}

export function block(rationale: string): Block {
  return { decision: "block", rationale };
}

/** Replaces the whole payload. It must still fit the schema of its phase; the kernel checks that. */
export function transform<P extends Phase>(payload: Payloads[P], rationale: string): Transform<P> {
  return { decision: "transform", rationale, payload: JSON.stringify(payload) };
}

export interface HookDefinition<R extends Role, Config> {
  /** As in the manifest. */
  readonly role: R;
  /** Reads the pinned configuration, once per instance; the manifest's schema has been checked. What it throws keeps the hook from being used. */
  configure(config: JsonObject): Config;
  /**
   * One handler for each phase of the manifest. Handlers are synchronous. What a handler throws is a block, for this and every
   * later boundary of the run: throw for what must not happen, answer `block` for what is not allowed.
   */
  readonly handlers: { readonly [P in Places[R]]?: (payload: Payloads[P], config: Config) => Answers<P>[R] };
}

/** The two exports of a hook: `export const { configure, handle } = defineHook({ … })`. */
export function defineHook<R extends Role, Config>(definition: HookDefinition<R, Config>): ReturnType<typeof define> {
  return define<Config>(definition as unknown as Parameters<typeof define<Config>>[0]);
}
