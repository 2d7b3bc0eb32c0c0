import type { Digest } from "../model/canonical.ts";
import type { Receipt } from "../model/entry.ts";
import type { JsonObject } from "../model/json.ts";
import type { CallFacts } from "../model/payload.ts";
import type { TakenLeases } from "./leases.ts";
import type { Run } from "./run.ts";

/** A call that may happen, exactly so; `action` names it. */
export interface Ready {
  readonly facts: CallFacts;
  readonly resolution: JsonObject;
  readonly receipt: Receipt;
  readonly action: Digest | undefined;
  /** What serves it, where it needs leases or hands some on. */
  readonly leases?: TakenLeases;
}

/** What an intent says of a call in clear. */
export function announced({ taxon }: CallFacts, action: Digest | undefined): JsonObject {
  return { taxon, ...(action === undefined ? {} : { action }) };
}

/** The signal of an effect: cancelled by a person, or by what is left of the step's and the run's time. */
export function within(run: Run, signal: AbortSignal): AbortSignal {
  const ran = run.journal.ran();
  const { limits } = run.spec;
  const left = Math.min(limits.stepMs - (ran - run.counters.stepBegan), limits.runMs - ran);
  return AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, left))]);
}
