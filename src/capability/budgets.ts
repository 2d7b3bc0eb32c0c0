import type { Budgets, Layer } from "./layer.ts";

const NAMES = [
  "steps",
  "tokens",
  "toolCalls",
  "stepMs",
  "runMs",
  "approvals",
] as const satisfies readonly (keyof Budgets)[];

/** Of every budget the smallest that a layer sets; what none bounds is left out. */
export function effectiveBudgets(layers: readonly Layer[]): Budgets {
  const bounded = NAMES.flatMap((name) => {
    const bounds = layers.flatMap(({ budgets }) => budgets[name] ?? []);
    return bounds.length === 0 ? [] : [[name, Math.min(...bounds)] as const];
  });
  return Object.fromEntries(bounded);
}
