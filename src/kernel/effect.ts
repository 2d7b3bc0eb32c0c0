import type { Run } from "./run.ts";

/** The signal of an effect: cancelled by a person, or by what is left of the step's and the run's time. */
export function within(run: Run, signal: AbortSignal): AbortSignal {
  const ran = run.journal.ran();
  const { limits } = run.spec;
  const left = Math.min(limits.stepMs - (ran - run.counters.stepBegan), limits.runMs - ran);
  return AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, left))]);
}
