import type { FailureCause } from "../model/hook.ts";

export interface Failure {
  readonly hook: string;
  readonly cause: FailureCause;
  /** What happened. May hold text of the guest: it passes the audit before it stands anywhere in clear. */
  readonly detail: string;
}

/** Failure is sticky (invariant 4): a hook that failed blocks until a person re-arms it. One list for all levels of a run. */
export class Failures {
  readonly #failed = new Map<string, Failure>();

  mark(failure: Failure): void {
    if (!this.#failed.has(failure.hook)) this.#failed.set(failure.hook, failure);
  }
  get(hook: string): Failure | undefined {
    return this.#failed.get(hook);
  }
  /** Whether there was something to re-arm. */
  rearm(hook: string): boolean {
    return this.#failed.delete(hook);
  }
}
