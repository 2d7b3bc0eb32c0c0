import { expect, test } from "vitest";
import { Gauge } from "../../../src/sandbox/host/gauge.ts";
import { PLENTY } from "./gauged.ts";
import { MeteredInstance } from "./metered.ts";

const LIMIT = 1000;
const nops = (count: number) => "nop ".repeat(count);

/** Programs that take more than `LIMIT` if nothing stops them, and what they may take beyond it. */
const ENDLESS = {
  "at a loop header": { fields: `(func (export "run") (loop nop nop (br 0)))`, slack: 3 },
  "at the header of the outer loop": {
    fields: `(func (export "run") (loop (block (loop (br_if 1 (i32.const 1)) (br 0))) (br 0)))`,
    slack: 4,
  },
  "in a loop that a branch table keeps going": {
    fields: `(func (export "run") (loop (br_table 0 0 0 (i32.const 7))))`,
    slack: 2,
  },
  "at the entry of a function": {
    fields: `(func $leaf nop nop) (func (export "run") ${"(call $leaf) ".repeat(1000)})`,
    slack: 1003,
  },
  "in mutual recursion that would go on": {
    fields: `(func $a (param i32) (if (local.get 0) (then (call $b (i32.sub (local.get 0) (i32.const 1))))))
      (func $b (param i32) (call $a (local.get 0)))
      (func (export "run") (call $a (i32.const 2000)))`,
    slack: 10,
  },
  "when a function with a long straight line returns": {
    fields: `(func (export "run") ${nops(LIMIT + 500)})`,
    slack: 500,
  },
  "by what filling costs": {
    fields: `(memory 1) (func (export "run") (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) ${nops(50)})`,
    slack: 8192 + 4 + 50,
  },
  "by what growing costs": {
    fields: `(memory 0) (func (export "run") (drop (memory.grow (i32.const 3))) ${nops(50)})`,
    slack: 3 * 8192 + 3 + 50,
  },
} as const;

for (const [where, { fields, slack }] of Object.entries(ENDLESS)) {
  test(`R1 endless loop: is out of fuel ${where}, at the same point each time`, async () => {
    const first = await MeteredInstance.of(fields, { allowed: { fuel: LIMIT } });
    const call = first.call("run");
    expect(call.failure).toBe(`\`fuel\`: allowed ${LIMIT}, used ${call.used}`);
    expect(call.used).toBeGreaterThan(LIMIT);
    expect(call.used).toBeLessThanOrEqual(LIMIT + slack);
    const second = await MeteredInstance.of(fields, { allowed: { fuel: LIMIT } });
    expect(second.call("run").used).toBe(call.used);
  });
}

test("fuel that is just enough is enough, and one less is not", async () => {
  const fields = `(func (export "run") (param i32)
    (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))`;
  const enough = await MeteredInstance.of(fields, { allowed: { fuel: 500 } });
  expect(enough.call("run", 100)).toMatchObject({ used: 500, failure: undefined, depth: 0 });
  const less = await MeteredInstance.of(fields, { allowed: { fuel: 499 } });
  expect(less.call("run", 100)).toMatchObject({ failure: "`fuel`: allowed 499, used 500" });
});

test("no fuel at all: the first instruction is one too many", async () => {
  const none = await MeteredInstance.of(`(func (export "run") nop) (func (export "empty"))`, { allowed: { fuel: 0 } });
  expect(none.call("run").failure).toMatch(/^`fuel`: allowed 0, used /);
  expect(none.call("empty")).toMatchObject({ used: 0, failure: undefined });
});

test("long straight-line code stops long before its end, not at its end only", async () => {
  const store = "(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))) ";
  const count = 40_000;
  const fields = `(memory (export "memory") 1) (func (export "run") ${store.repeat(count)})`;
  const instance = await MeteredInstance.of(fields, { allowed: { fuel: LIMIT } });
  const { failure, error } = instance.call("run");
  expect(failure).toMatch(/^`fuel`: allowed 1000, used \d+$/);
  expect(error).toBeDefined();
  const memory = instance.instance.exports.memory as { readonly buffer: ArrayBuffer };
  expect(new Uint32Array(memory.buffer)[0]).toBeLessThan(count / 2);
});

test("R1 endless loop: a start function is out of fuel", async () => {
  const gauge = new Gauge({ ...PLENTY, fuel: LIMIT });
  const made = MeteredInstance.of(`(func (loop (br 0))) (start 0)`, { gauge });
  await expect(made).rejects.toThrow("unreachable");
  expect(gauge.failure?.detail).toMatch(/^`fuel`: allowed 1000, used 100\d$/);
});

test("calls that end give their depth back, however often and wherever they end", async () => {
  const instance = await MeteredInstance.of(
    `(func $leave (param i32)
       (block (loop (if (local.get 0) (then (return)) (else (br 2))))))
     (func (export "run") (param i32)
       (loop (call $leave (i32.and (local.get 0) (i32.const 1)))
         (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))`,
  );
  expect(instance.call("run", 200_000)).toMatchObject({ failure: undefined, error: undefined, depth: 0 });
});

test("R3 memory bomb: memory grows by what is left and no further", async () => {
  const instance = await MeteredInstance.of(
    `(memory 1) (func (export "run") (param i32) (result i32) (memory.grow (local.get 0)))`,
    { allowed: { memoryPages: 10 } },
  );
  expect(instance.call("run", 4).outcome).toBe(1);
  expect(instance.gauge.denied).toBeUndefined();
  expect(instance.call("run", 7)).toMatchObject({ outcome: -1, used: 2 });
  expect(instance.gauge.denied?.detail).toBe("`memoryPages`: allowed 10, used 4 and asked for more");
  expect(instance.call("run", -1).outcome).toBe(-1);
  expect(instance.call("run", 6).outcome).toBe(5);
  expect(instance.call("run", 1).outcome).toBe(-1);
  expect(instance.call("run", 0).outcome).toBe(11);
});

test("R3 memory bomb: growing beyond the maximum of the memory itself takes nothing from the others", async () => {
  const instance = await MeteredInstance.of(
    `(memory 1 3) (func (export "run") (param i32) (result i32) (memory.grow (local.get 0)))`,
    { allowed: { memoryPages: 10 } },
  );
  expect(instance.call("run", 3).outcome).toBe(-1);
  expect(instance.gauge.denied).toBeUndefined();
  expect(instance.call("run", 2).outcome).toBe(1);
});

test("R4 table bomb: tables grow by what is left for all of them together", async () => {
  const instance = await MeteredInstance.of(
    `(table $a 1 funcref) (table $b 0 externref)
     (func (export "a") (param i32) (result i32) (table.grow $a (ref.null func) (local.get 0)))
     (func (export "b") (param externref i32) (result i32) (table.grow $b (local.get 0) (local.get 1)))
     (func (export "get") (param i32) (result externref) (table.get $b (local.get 0)))`,
    { allowed: { tableEntries: 100 } },
  );
  expect(instance.call("a", 60).outcome).toBe(1);
  expect(instance.call("b", "x", 41)).toMatchObject({ outcome: -1, used: 3 });
  expect(instance.gauge.denied?.detail).toBe("`tableEntries`: allowed 100, used 60 and asked for more");
  expect(instance.call("b", "x", 40)).toMatchObject({ outcome: 0, used: 43 });
  expect(instance.call("get", 39).outcome).toBe("x");
  expect(instance.call("a", 1).outcome).toBe(-1);
  expect(instance.call("a", -1).outcome).toBe(-1);
  expect(instance.call("b", null, 0).outcome).toBe(40);
});

test("two modules share what memories and tables may grow", async () => {
  const gauge = new Gauge({ ...PLENTY, memoryPages: 10, tableEntries: 10 });
  const fields = `(memory 0) (table 0 funcref)
    (func (export "pages") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "entries") (param i32) (result i32) (table.grow (ref.null func) (local.get 0)))`;
  const one = await MeteredInstance.of(fields, { gauge });
  const other = await MeteredInstance.of(fields, { gauge });
  expect(one.call("pages", 6).outcome).toBe(0);
  expect(other.call("pages", 5).outcome).toBe(-1);
  expect(other.call("pages", 4).outcome).toBe(0);
  expect(one.call("entries", 9).outcome).toBe(0);
  expect(other.call("entries", 2).outcome).toBe(-1);
  expect(other.call("entries", 1).outcome).toBe(0);
});
