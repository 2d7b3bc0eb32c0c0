import type { Run } from "./run.ts";

/** The signal of an effect: cancelled by a person, or by what is left of the step's and the run's time. */
export function within(run: Run, signal: AbortSignal): AbortSignal {
  const now = run.journal.now();
  const { limits } = run.spec;
  const left = Math.min(
    limits.stepMs - (now - run.counters.stepStartedAt),
    limits.runMs - (now - run.counters.startedAt),
  );
  return AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, left))]);
}
