import { globSync, readFileSync } from "node:fs";
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Gauge } from "../../../src/sandbox/host/gauge.ts";
import { nestedModules } from "../../../src/sandbox/inspect/nesting.ts";
import { meterModule } from "../../../src/sandbox/meter/meter.ts";
import { METER, METER_GLOBALS } from "../../../src/sandbox/wasm/metering.ts";
import { Malformed } from "../../../src/sandbox/wasm/reader.ts";
import { runs, seed } from "../../support/property.ts";
import { PREAMBLE, section, sized, text, unsigned } from "./bytes.ts";
import { type WasmGlobal, wasm } from "./engine.ts";
import { execute } from "./execute.ts";
import { depthOf, PLENTY } from "./gauged.ts";
import { generateModule } from "./generate.ts";
import { interfaceOf } from "./interface.ts";
import { MeteredInstance } from "./metered.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;

test("what a module imports and exports keeps its order, names and kinds; the globals of the meter come on top", async () => {
  const bytes = await parse(`(module
    (import "a" "f" (func (param i32))) (import "a" "g" (global i64)) (import "b" "m" (memory 1))
    (import "b" "t" (table 1 funcref)) (import "b" "h" (global (mut f32)))
    (global $own (mut i32) (i32.const 4))
    (func $own (export "func") (export "again")) (export "imported" (func 0)) (export "memory" (memory 0))
    (export "global" (global 0)) (export "changing" (global 1)) (export "own" (global $own)) (export "table" (table 0)))`);
  const before = new wasm.Module(bytes);
  const after = new wasm.Module(meterModule(bytes));
  expect(wasm.Module.exports(after)).toEqual(wasm.Module.exports(before));
  const imports = wasm.Module.imports(after);
  expect(imports.filter(({ module }) => module !== METER)).toEqual(wasm.Module.imports(before));
  const added = imports.filter(({ module }) => module === METER);
  expect(added).toHaveLength(3);
  expect(new Set(added.map(({ kind, name }) => `${kind} ${name}`))).toEqual(
    new Set(METER_GLOBALS.map((name) => `global ${name}`)),
  );
});

test("globals are still the ones that they were: imported, exported, read and written from both sides", async () => {
  const shared = new wasm.Global({ value: "i32", mutable: true }, 5);
  const fixed = new wasm.Global({ value: "i64", mutable: false }, 40n);
  const { instance } = await MeteredInstance.of(
    `(import "host" "fixed" (global $fixed i64)) (import "host" "shared" (global $shared (mut i32)))
     (global $sum (export "sum") i64 (i64.add (global.get $fixed) (i64.mul (i64.const 2) (global.get $fixed))))
     (global $own (export "own") (mut i32) (i32.const 7))
     (global (export "reference") funcref (ref.func $swap))
     (export "fixed" (global $fixed)) (export "shared" (global $shared))
     (func $swap (export "swap")
       (global.get $own) (global.set $own (global.get $shared)) (global.set $shared))`,
    { imports: { host: { shared, fixed } } },
  );
  const { exports } = instance;
  const value = (name: string) => (exports[name] as WasmGlobal).value;
  expect(value("sum")).toBe(120n);
  expect(value("fixed")).toBe(40n);
  expect(exports.shared).toBe(shared);
  (exports.own as WasmGlobal).value = 9;
  (exports.swap as () => void)();
  expect([shared.value, value("own")]).toEqual([9, 5]);
  expect(value("reference")).toBe(exports.swap);
});

test("segments lie where their computed offsets say", async () => {
  const base = new wasm.Global({ value: "i32", mutable: false }, 3);
  const other = new wasm.Global({ value: "externref", mutable: false }, "outside");
  const metered = await MeteredInstance.of(
    `(import "host" "base" (global $base i32)) (import "host" "other" (global $other externref))
     (memory (export "memory") 1)
     (data (offset (i32.add (global.get $base) (i32.mul (i32.const 2) (global.get $base)))) "data")
     (table (export "functions") 6 funcref)
     (elem (table 0) (offset (i32.sub (global.get $base) (i32.const 1))) func $one $two)
     (elem (table 0) (offset (global.get $base)) funcref (item ref.func $one) (item ref.null func))
     (table $others (export "others") 4 externref)
     (elem (table $others) (offset (i32.const 1)) externref (item global.get $other) (item ref.null extern))
     (func $one (export "one") (result i32) (i32.load8_u (i32.const 9)))
     (func $two (export "two") (result i32) (i32.const 2))`,
    { imports: { host: { base, other } } },
  );
  const { exports } = metered.instance;
  expect(metered.call("one")).toMatchObject({ outcome: "d".charCodeAt(0), used: 2 });
  const table = exports.functions as { get(index: number): unknown };
  expect([1, 2, 3, 4].map((index) => table.get(index))).toEqual([null, exports.one, exports.one, null]);
  const others = exports.others as { get(index: number): unknown };
  expect([0, 1, 2].map((index) => others.get(index))).toEqual([null, "outside", null]);
});

test("modules without code, without functions, without anything are metered too", async () => {
  for (const fields of ["", "(memory 1)", `(global (export "g") i32 (i32.const 1))`, `(table 3 funcref)`]) {
    const { instance } = await MeteredInstance.of(fields);
    expect(Object.keys(instance.exports)).toEqual(fields.includes("export") ? ["g"] : []);
  }
  let called = 0;
  const start = () => {
    called += 1;
  };
  await MeteredInstance.of(`(import "host" "start" (func)) (start 0)`, { imports: { host: { start } } });
  expect(called).toBe(1);
});

test("hints about code are dropped, since the code has moved, and custom sections anywhere do no harm", async () => {
  const custom = (name: string) => [0, ...sized([...text(name), 1, 2, 3])];
  const bytes = Uint8Array.from([
    ...PREAMBLE,
    ...custom("first"),
    ...section(1, [[0x60, 0, 0]]),
    ...custom("metadata.code.branch_hint"),
    ...section(3, [[0]]),
    ...custom("metadata.code.trace_inst"),
    ...section(7, [[...text("run"), 0, 0]]),
    ...custom("between"),
    ...section(10, [sized([0, 0x01, 0x01, 0x0b])]),
    ...custom("metadata.code.call_targets"),
    ...custom("last"),
  ]);
  expect(wasm.validate(bytes)).toBe(true);
  const after = new wasm.Module(meterModule(bytes));
  for (const kind of ["branch_hint", "trace_inst", "call_targets"]) {
    expect(wasm.Module.customSections(after, `metadata.code.${kind}`)).toEqual([]);
  }
  const gauge = new Gauge(PLENTY);
  gauge.fill();
  const instance = new wasm.Instance(after, gauge.imports);
  (instance.exports.run as () => void)();
  expect([gauge.used, depthOf(gauge)]).toEqual([2, 0]);
});

test("the same bytes make the same metered bytes", () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), (own) => {
      const bytes = generateModule(own, 60);
      expect(Buffer.from(meterModule(bytes)).equals(meterModule(Uint8Array.from(bytes)))).toBe(true);
    }),
    { seed, numRuns: runs(20, 300) },
  );
});

test("metered code is code like any other: metered once more, it does the same", () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), (own) => {
      const bytes = generateModule(own, 40);
      const face = interfaceOf(bytes);
      const outcomes = (metered: Uint8Array) => {
        const gauge = new Gauge(PLENTY);
        gauge.fill();
        const steps = [];
        for (const { step } of execute({ bytes: metered, face, seed: own, extra: gauge.imports })) {
          steps.push(step);
          gauge.fill();
        }
        return steps;
      };
      const once = meterModule(bytes);
      expect(outcomes(meterModule(once))).toEqual(outcomes(once));
    }),
    { seed, numRuns: runs(20, 300) },
  );
});

/** A module whose only function, `run`, takes an i32 and has this body. */
function moduleOf(body: Uint8Array): Uint8Array {
  const head = [...PREAMBLE, ...section(1, [[0x60, 1, 0x7f, 0]]), ...section(3, [[0]])];
  const size = unsigned(body.length);
  head.push(...section(7, [[...text("run"), 0, 0]]), 10, ...unsigned(1 + size.length + body.length), 1, ...size);
  return Buffer.concat([Uint8Array.from(head), body]);
}

test("R8 compile bomb: a function that no compiler would take any more when it is metered is malformed", () => {
  const block = Uint8Array.of(0x02, 0x40, 0x20, 0x00, 0x0d, 0x00, 0x0b);
  const blocks = (count: number) =>
    moduleOf(Buffer.concat([Buffer.of(0), Buffer.alloc(count * block.length, block), Buffer.of(0x0b)]));
  expect(wasm.validate(meterModule(blocks(100_000)))).toBe(true);
  const large = blocks(600_000);
  expect(wasm.validate(large)).toBe(true);
  expect(() => meterModule(large)).toThrow(/^has a function of \d+ bytes when it is metered, allowed 7654321$/);
});

test("R8 compile bomb: a function whose frame no limit would allow is malformed", () => {
  const locals = (count: number) => moduleOf(Uint8Array.of(1, ...unsigned(count), 0x7e, 0x0b));
  expect(wasm.validate(meterModule(locals(20_000)))).toBe(true);
  expect(wasm.validate(locals(49_000))).toBe(true);
  expect(() => meterModule(locals(49_000))).toThrow(Malformed);
  expect(() => meterModule(locals(49_000))).toThrow(/^has a function with a frame of \d+ slots, allowed 40000$/);
});

const hooks = globSync("hooks/*/*.wasm", { cwd: ROOT });

test("there are hooks to meter", () => {
  expect(hooks.length).toBeGreaterThan(0);
});

for (const path of hooks) {
  test(`every core module of ${path} is valid when it is metered, and keeps its exports`, () => {
    for (const bytes of nestedModules(readFileSync(`${ROOT}${path}`))) {
      const metered = meterModule(Uint8Array.from(bytes));
      expect(wasm.validate(metered)).toBe(true);
      expect(wasm.Module.exports(new wasm.Module(metered))).toEqual(
        wasm.Module.exports(new wasm.Module(Uint8Array.from(bytes))),
      );
    }
  });
}
