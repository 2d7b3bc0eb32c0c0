import type { WasmGlobal, WasmInstance } from "./engine.ts";
import { execute, type Step } from "./execute.ts";
import type { Interface } from "./interface.ts";
import { NAIVE_GLOBALS, NAIVE_START, type NaiveModule, naiveName } from "./naive.ts";

/** What one step cost by the naive count. */
export interface Count {
  readonly count: number;
  /** Without what was used since the last function entry, call, return or loop header. */
  readonly mark: number;
  readonly dynamic: number;
  /** Counted instructions from the last one to the end of its basic block. */
  readonly rest: number;
  /** Some NaN was not canonical before. */
  readonly nan: boolean;
}
export interface Counted {
  readonly step: Step;
  readonly count: Count;
}

/** Runs the instrumented module and takes the counts of every step. */
export function countSteps({ bytes, rest }: NaiveModule, face: Interface, seed: number): Counted[] {
  const steps: Counted[] = [];
  for (const { step, instance } of execute({ bytes, face, seed, extra: {}, start: NAIVE_START })) {
    const count = instance ? takeCount(instance, rest) : { count: 0, mark: 0, dynamic: 0, rest: 0, nan: false };
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
  return {
    count,
    mark: take("mark"),
    dynamic: take("dynamic"),
    rest: count > 0 ? (rest[take("at")] ?? 0) : 0,
    nan: take("nan") !== 0,
  };
}
