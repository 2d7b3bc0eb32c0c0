import { setTimeout as wait } from "node:timers/promises";
import { InterruptedError } from "../model/errors.ts";
import { AttemptFailure, isRetryable, worldError } from "./failure.ts";

const FIRST_WAIT_MS = 500;
const LONGEST_BACKOFF_MS = 20_000;
/** A provider that asks to wait longer is not waited for. */
const LONGEST_ASKED_MS = 60_000;

/** Waits, and rejects at once when `signal` aborts. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export const sleepByTimer: Sleep = async (ms, signal) => {
  await wait(ms, undefined, { signal });
};

export interface RetryPolicy {
  /** Further attempts after the first. */
  readonly retries: number;
  /** Of one attempt, in ms. */
  readonly timeoutMs: number;
  readonly sleep: Sleep;
  /** [0, 1): spreads the waits of many runs. */
  readonly random: () => number;
}

/**
 * Attempts with a timeout each and exponential back-off between them; a longer wait that the provider asks for is
 * honoured up to a minute. Throws `WorldError` for the last failure and `InterruptedError` as soon as `signal` aborts.
 */
export async function attempts<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  { retries, timeoutMs, sleep, random }: RetryPolicy,
  { who, signal }: { readonly who: string; readonly signal: AbortSignal },
): Promise<T> {
  for (let count = 1; ; count++) {
    const timeout = AbortSignal.timeout(timeoutMs);
    let waitMs: number;
    try {
      return await attempt(AbortSignal.any([signal, timeout]));
    } catch (error) {
      if (signal.aborted) throw cancelled(who);
      const failure = timeout.aborted ? ({ kind: "timeout", timeoutMs } as const) : failureOf(error);
      const asked = failure.kind === "status" ? (failure.waitMs ?? 0) : 0;
      waitMs = Math.max(asked, backoff(count, random()));
      if (count > retries || !isRetryable(failure) || asked > LONGEST_ASKED_MS) throw worldError(failure, who, count);
    }
    await sleep(waitMs, signal).catch((error: unknown) => {
      throw signal.aborted ? cancelled(who) : error;
    });
  }
}

/** Between half and all of 0.5 s, 1 s, 2 s, … 20 s. */
function backoff(count: number, spread: number): number {
  const full = Math.min(FIRST_WAIT_MS * 2 ** (count - 1), LONGEST_BACKOFF_MS);
  return Math.round(full / 2 + (full / 2) * spread);
}

function failureOf(error: unknown): AttemptFailure["failure"] {
  if (error instanceof AttemptFailure) return error.failure;
  throw error;
}

function cancelled(who: string): InterruptedError {
  return new InterruptedError({ code: "cancelled", message: `the request to ${who} was cancelled` });
}
