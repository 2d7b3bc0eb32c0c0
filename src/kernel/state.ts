import type { Json } from "../model/json.ts";
import type { Limits, Usage } from "../model/payload.ts";
import type { CapsuleKind, RunState } from "../model/phase.ts";

/** Thrown to leave a step: the run goes into another state at once. */
export class Halt extends Error {
  readonly to: "paused" | "failed" | "terminated";
  constructor(to: Halt["to"], reason: string) {
    super(reason);
    this.name = "Halt";
    this.to = to;
  }
}

/** Thrown to leave a step in which the run paused: it stays as it is. */
export class Rest extends Error {
  constructor() {
    super("the run rests");
    this.name = "Rest";
  }
}

const NEXT: Readonly<Record<RunState, readonly RunState[]>> = {
  pending: ["running", "paused", "failed", "terminated"],
  running: ["paused", "completed", "failed", "terminated"],
  paused: ["running", "failed", "terminated"],
  completed: [],
  failed: [],
  terminated: [],
};

export function mayFollow(from: RunState, to: RunState): boolean {
  return NEXT[from].includes(to);
}

/** Hooks may keep a run from starting and from calling itself done; they cannot keep it from stopping. */
export function mayBeVetoed(to: RunState): boolean {
  return to === "running" || to === "completed";
}

export function isFinal(state: RunState): boolean {
  return NEXT[state].length === 0;
}

/** What a run has used. INVARIANT: grows from journaled inputs and the kernel's own counting only. */
export class Counters {
  steps = 0;
  inputTokens = 0;
  outputTokens = 0;
  toolCalls = 0;
  spawned = 0;
  blocked = 0;
  redactions = 0;
  /** `ran` of the journal when the step began. */
  stepBegan = 0;

  /** `ran` of the journal. */
  usage(ran: number): Usage {
    return {
      steps: this.steps,
      inputTokens: this.inputTokens,
      outputTokens: this.outputTokens,
      toolCalls: this.toolCalls,
      spawned: this.spawned,
      elapsedMs: ran,
    };
  }

  /** The first limit that does not allow what was used, or undefined. `ran`: that of the journal. */
  exceeded(
    limits: Limits,
    ran: number,
  ): { readonly limit: keyof Limits; readonly allowed: number; readonly used: number } | undefined {
    const used: readonly (readonly [keyof Limits, number])[] = [
      ["steps", this.steps],
      ["tokens", this.inputTokens + this.outputTokens],
      ["toolCalls", this.toolCalls],
      ["stepMs", ran - this.stepBegan],
      ["runMs", ran],
    ];
    const over = used.find(([limit, value]) => value > limits[limit]);
    return over === undefined ? undefined : { limit: over[0], allowed: limits[over[0]], used: over[1] };
  }
}

/** The capsules of a run: the newest of each kind, as canonical JSON and as values. */
export type Capsules = Map<CapsuleKind, { readonly value: Json; readonly text: string }>;
