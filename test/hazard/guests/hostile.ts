import type { FailureCause, InstanceLife } from "../../../src/model/hook.ts";
import type { JsonObject } from "../../../src/model/json.ts";
import { MAX_DEPTH } from "../../../src/sandbox/wasm/metering.ts";

/** A guest that must never get anything done, and what the journal has to say of it. */
export interface Hostile {
  /** Begins with the name of its case. */
  readonly name: string;
  readonly component: () => Promise<Uint8Array>;
  readonly config?: JsonObject;
  readonly limits?: JsonObject;
  readonly instance?: InstanceLife;
  readonly authority?: JsonObject;
  readonly cause: FailureCause;
  /** The detail of the failure. */
  readonly says: string | RegExp;
}

/** What the world cuts short. Everything else is computed again on replay. */
export const FAULTS: readonly FailureCause[] = ["deadline", "host-died", "protocol", "missing-artifact"];

/** Enough for every guest to start, and soon gone. */
export const FUEL = 1_000_000;

/** Guests that use up `allowed` overshoot by what the last block or bulk operation takes. */
export function outOfFuel(allowed = FUEL): Pick<Hostile, "cause" | "says" | "limits"> {
  const digits = String(allowed).slice(0, 2);
  const says = new RegExp(`^\`fuel\`: allowed ${allowed}, used ${digits}\\d{${String(allowed).length - 2}}$`);
  return { cause: "limit", says, limits: { fuel: allowed } };
}

/** A frame takes as many slots as it needs, so the last one may lie some way beyond the limit. */
export const tooDeep = {
  cause: "limit",
  says: new RegExp(
    `^\`callDepth\`: allowed ${MAX_DEPTH}, used ${String(MAX_DEPTH).slice(0, 2)}\\d{${String(MAX_DEPTH).length - 2}}$`,
  ),
} as const;

export function tooMuch(limit: string, allowed: number, used: number | string): Pick<Hostile, "cause" | "says"> {
  return { cause: "limit", says: `\`${limit}\`: allowed ${allowed}, used ${used}` };
}

export function traps(why: string): Pick<Hostile, "cause" | "says"> {
  return { cause: "trap", says: why };
}
