import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import fc from "fast-check";
import { expect, test } from "vitest";
import { checkModule } from "../../../src/sandbox/inspect/module.ts";
import { runs, seed } from "../../support/property.ts";
import { COST_CASES } from "./cost-cases.ts";
import { countSteps, takeCount } from "./count.ts";
import { wasm } from "./engine.ts";
import { execute } from "./execute.ts";
import { generateModule } from "./generate.ts";
import { interfaceOf } from "./interface.ts";
import { naiveModule } from "./naive.ts";

for (const { title, fields, costs } of COST_CASES) {
  test(`counts ${title}, as a reader would`, async () => {
    const { bytes, rest } = naiveModule(await parse(`(module ${fields})`));
    const instance = new wasm.Instance(new wasm.Module(bytes), {});
    const run = instance.exports.run as (...args: readonly unknown[]) => unknown;
    const counts = costs.map(([args]) => {
      run(...args);
      return takeCount(instance, rest).count;
    });
    expect(counts).toEqual(costs.map(([, cost]) => cost));
  });
}

test("what it rewrites behaves as before, and what the generator makes is valid and passes inspection", () => {
  const seen = { steps: 0, traps: 0, cost: 0 };
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.integer({ min: 1, max: 120 }), (own, size) => {
      const bytes = generateModule(own, size);
      checkModule(bytes, 0);
      const face = interfaceOf(bytes);
      const before = [...execute({ bytes, face, seed: own, extra: {} })];
      const counted = countSteps(naiveModule(bytes), face, own);
      // From where on bits of NaNs may differ, more may.
      const same = counted.findIndex(({ count }) => count.nan);
      const until = same < 0 ? counted.length : same;
      // A start function that traps leaves an instance to see here only.
      const visible = ({ step }: { readonly step: (typeof before)[number]["step"] }) =>
        step.call === "instantiation" && step.trapped ? { ...step, state: [] } : step;
      expect(counted.slice(0, until).map(visible)).toEqual(before.slice(0, until).map(visible));
      for (const { step, count } of counted) {
        seen.steps += 1;
        seen.traps += step.trapped ? 1 : 0;
        seen.cost += count.count;
      }
    }),
    { seed, numRuns: runs(60, 1000) },
  );
  // Most calls come to an end of their own, and some do not.
  expect(seen.traps).toBeGreaterThan(0);
  expect(seen.traps).toBeLessThan(seen.steps / 2);
  expect(seen.cost).toBeGreaterThan(10 * seen.steps);
});
