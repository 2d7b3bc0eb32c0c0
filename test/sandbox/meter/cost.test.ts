import { expect, test } from "vitest";
import { Gauge } from "../../../src/sandbox/host/gauge.ts";
import { COST_CASES } from "./cost-cases.ts";
import { PLENTY } from "./gauged.ts";
import { MeteredInstance } from "./metered.ts";

for (const { title, fields, costs } of COST_CASES) {
  test(`counts ${title}`, async () => {
    const instance = await MeteredInstance.of(fields);
    for (const [args, cost] of costs) {
      const { used, depth, error, failure } = instance.call("run", ...args);
      expect({ args, used, depth, error, failure }).toEqual({
        args,
        used: cost,
        depth: 0,
        error: undefined,
        failure: undefined,
      });
    }
  });
}

test("counts a start function when the module is instantiated", async () => {
  const started = await MeteredInstance.of(`(func nop (drop (i32.const 1))) (start 0)`);
  expect(started.gauge.used).toBe(3);
  const endless = MeteredInstance.of(`(func (loop (br 0))) (start 0)`, { allowed: { fuel: 1000 } });
  await expect(endless).rejects.toThrow();
});

test("modules that share a counter are counted together, also when they call each other", async () => {
  const gauge = new Gauge(PLENTY);
  const callee = await MeteredInstance.of(`(func (export "work") (param i32) (result i32) nop (local.get 0))`, {
    gauge,
  });
  const caller = await MeteredInstance.of(
    `(import "callee" "work" (func $work (param i32) (result i32)))
     (func (export "run") (result i32) (i32.add (call $work (i32.const 1)) (call $work (i32.const 2))))`,
    { gauge, imports: { callee: callee.instance.exports } },
  );
  expect(caller.call("run")).toMatchObject({ outcome: 3, used: 5 + 2 * 2, depth: 0 });
  expect(callee.call("work", 1)).toMatchObject({ used: 2 });
});

test("an imported function that calls back is counted, and what it called stays counted when it throws", async () => {
  const back: { inner?: (value: number) => number } = {};
  const again = (value: number) => {
    const result = back.inner?.(value) ?? 0;
    if (value === 0) throw new Error("the host says no");
    return result;
  };
  const instance = await MeteredInstance.of(
    `(import "host" "again" (func $again (param i32) (result i32)))
     (func (export "inner") (param i32) (result i32) nop nop (local.get 0))
     (func (export "run") (param i32) (result i32) (i32.add (call $again (local.get 0)) (i32.const 1)))`,
    { imports: { host: { again } } },
  );
  back.inner = instance.instance.exports.inner as (value: number) => number;
  expect(instance.call("run", 5)).toMatchObject({ outcome: 6, used: 2 + 3 + 2, depth: 0 });
  const thrown = instance.call("run", 0);
  expect(thrown).toMatchObject({ used: 2 + 3, failure: undefined });
  expect(thrown.error).toMatchObject({ message: "the host says no" });
});
