import type { WasmGlobal, WasmInstance } from "./engine.ts";
import { execute, type Step } from "./execute.ts";
import type { Interface } from "./interface.ts";
import { NAIVE_GLOBALS, NAIVE_START, type NaiveModule, naiveName } from "./naive.ts";

/** What one step cost by the naive count. */
export interface Count {
  readonly count: number;
  /** Without what was used since the last function entry, call or return. */
  readonly mark: number;
  readonly dynamic: number;
  /** Counted instructions from the last one to the end of its basic block. */
  readonly rest: number;
  /** The most functions that were open at once. */
  readonly frames: number;
  /** Some NaN was not canonical before. */
  readonly nan: boolean;
}
export interface Counted {
  readonly step: Step;
  readonly count: Count;
}

const NOTHING: Count = { count: 0, mark: 0, dynamic: 0, rest: 0, frames: 0, nan: false };

/** Runs the instrumented module and takes the counts of every step. */
export function countSteps({ bytes, rest }: NaiveModule, face: Interface, seed: number): Counted[] {
  const steps: Counted[] = [];
  for (const { step, instance } of execute({ bytes, face, seed, extra: {}, start: NAIVE_START })) {
    const count = instance ? takeCount(instance, rest) : NOTHING;
    steps.push({ step, count });
  }
  return steps;
}

/** Reads the counters of an instance of an instrumented module, and sets them back. */
export function takeCount({ exports }: WasmInstance, rest: readonly number[]): Count {
  const take = (name: keyof typeof NAIVE_GLOBALS) => {
    const global = exports[naiveName(name)] as WasmGlobal;
    const value = Number(global.value);
    global.value = NAIVE_GLOBALS[name] === "i64" ? 0n : 0;
    return value;
  };
  const count = take("count");
  take("open");
  return {
    count,
    mark: take("mark"),
    dynamic: take("dynamic"),
    rest: count > 0 ? (rest[take("at")] ?? 0) : 0,
    frames: take("deepest") + 1,
    nan: take("nan") !== 0,
  };
}
