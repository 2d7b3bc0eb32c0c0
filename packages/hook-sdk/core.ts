// Copied from hooks/sdk/hook.ts by scripts/generate-types.ts. Do not edit.
import "./prelude.ts";
import { emitEvent, writeCapsule } from "pinion:hook/host@1.0.0";
import type { Json, JsonObject } from "./payloads.ts";
import type { Payloads } from "./payloads.ts";
import type { CapsuleKind, Phase } from "./payloads.ts";

/** The answer of a hook at a boundary. */
export type Verdict =
  | { readonly decision: "allow" | "block"; readonly rationale: string }
  | { readonly decision: "transform"; readonly rationale: string; readonly payload: string };

export function allow(rationale: string): Verdict {
  return { decision: "allow", rationale };
}

export function block(rationale: string): Verdict {
  return { decision: "block", rationale };
}

/** Replaces the whole payload. Only hooks with the role `transformer` may. */
export function transform<P extends Phase>(payload: Payloads[P], rationale: string): Verdict {
  return { decision: "transform", rationale, payload: JSON.stringify(payload) };
}

/** Reports something to the run. */
export function emit(kind: string, data: Json): void {
  emitEvent(kind, JSON.stringify(data));
}

/** Replaces the capsule of a kind. */
export function write(kind: CapsuleKind, value: Json): void {
  writeCapsule(kind, JSON.stringify(value));
}

export interface HookDefinition<Config> {
  /** Reads the pinned configuration, once per instance. What it throws keeps the hook from being used. */
  configure(config: JsonObject): Config;
  /** One handler for each phase of the manifest. What a handler throws is a block, for the rest of the run. */
  readonly handlers: { readonly [P in Phase]?: (payload: Payloads[P], config: Config) => Verdict };
}

/** The two exports of a hook: `export const { configure, handle } = defineHook({ … })`. */
export function defineHook<Config>(definition: HookDefinition<Config>): {
  readonly configure: (config: string) => void;
  readonly handle: (phase: Phase, payload: string) => Verdict;
} {
  let bound: { readonly config: Config } | undefined;
  return {
    configure(config) {
      bound = { config: definition.configure(JSON.parse(config) as JsonObject) };
    },
    handle(phase, payload) {
      if (bound === undefined) throw new Error("`handle` was called before `configure`");
      const handler = definition.handlers[phase] as ((payload: unknown, config: Config) => Verdict) | undefined;
      if (handler === undefined) throw new Error(`this hook has no handler for the phase \`${phase}\``);
      return handler(JSON.parse(payload), bound.config);
    },
  };
}
