import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import fc from "fast-check";
import { expect, test } from "vitest";
import { checkModule } from "../../../src/sandbox/inspect/module.ts";
import { runs, seed } from "../../support/property.ts";
import { countSteps, takeCount } from "./count.ts";
import { wasm } from "./engine.ts";
import { execute } from "./execute.ts";
import { generateModule } from "./generate.ts";
import { interfaceOf } from "./interface.ts";
import { naiveModule } from "./naive.ts";

/** The counts of calling `run` with these arguments, each on the same instance. */
async function counts(fields: string, ...calls: readonly (readonly (number | bigint)[])[]): Promise<number[]> {
  const { bytes, rest } = naiveModule(await parse(`(module ${fields})`));
  const instance = new wasm.Instance(new wasm.Module(bytes), {});
  const run = instance.exports.run as (...args: readonly (number | bigint)[]) => unknown;
  return calls.map((args) => {
    run(...args);
    return takeCount(instance, rest).count;
  });
}

test("counts what a reader would: everything but block, loop, else and end", async () => {
  const straight = `(func (export "run") (result i32) (i32.add (i32.const 1) (i32.const 2)))`;
  expect(await counts(straight, [])).toEqual([3]);
  const arms = `(func (export "run") (param i32)
    (if (local.get 0) (then nop nop) (else nop)) (block nop))`;
  expect(await counts(arms, [1], [0])).toEqual([5, 4]);
  const loop = `(func (export "run") (param i32)
    (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))`;
  expect(await counts(loop, [1], [10])).toEqual([5, 50]);
  const leaves = `(func (export "run") (param i32)
    (block (block (br_table 0 1 (local.get 0))) nop nop return) nop)`;
  expect(await counts(leaves, [0], [1])).toEqual([5, 3]);
  const recursion = `(func $run (export "run") (param i32) (result i32)
    (if (result i32) (local.get 0) (then (call $run (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 7))))`;
  expect(await counts(recursion, [0], [3])).toEqual([3, 3 * 6 + 3]);
});

test("counts bytes and entries of bulk operations, and growing that succeeds", async () => {
  const memory = `(memory 1 3) (data $d "0123456789abcdef0123456789abcdef")
    (func (export "run") (param i32)
      (memory.fill (i32.const 0) (i32.const 1) (local.get 0))
      (memory.copy (i32.const 0) (i32.const 1) (local.get 0))
      (memory.init $d (i32.const 0) (i32.const 0) (local.get 0)))`;
  expect(await counts(memory, [0], [7], [8], [31])).toEqual([12, 12, 12 + 3, 12 + 9]);
  const grow = `(memory 1 3) (func (export "run") (param i32) (drop (memory.grow (local.get 0))))`;
  expect(await counts(grow, [1], [2], [0], [1])).toEqual([3 + 8192, 3, 3, 3 + 8192]);
  const table = `(table $t 10 20 externref)
    (func (export "run") (param i32)
      (table.fill (i32.const 0) (ref.null extern) (local.get 0))
      (table.copy (i32.const 0) (i32.const 1) (local.get 0))
      (drop (table.grow (ref.null extern) (local.get 0))))`;
  expect(await counts(table, [0], [9], [9])).toEqual([12, 12 + 27, 12 + 18]);
});

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
