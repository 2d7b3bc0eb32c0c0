import type { ValueType } from "./opcodes.ts";

function repeat(count: number, part: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => part(index)).join(" ");
}

/** Something of the type that depends on the global `$seed`, and what uses it up. */
const MAKE: Readonly<Record<string, (index: number) => string>> = {
  i32: (index) => `(i32.add (i32.wrap_i64 (global.get $seed)) (i32.const ${index}))`,
  i64: (index) => `(i64.add (global.get $seed) (i64.const ${index}))`,
  f64: (index) => `(f64.add (f64.convert_i64_s (global.get $seed)) (f64.const ${index}))`,
  v128: (index) => `(i64x2.splat (i64.add (global.get $seed) (i64.const ${index})))`,
};
const USE: Readonly<Record<string, string>> = {
  i32: "i64.extend_i32_u call $use",
  i64: "call $use",
  f64: "i64.reinterpret_f64 call $use",
  v128: "i64x2.extract_lane 1 call $use",
};
const SEED = `(global $seed (export "seed") (mut i64) (i64.const 1))
  (func $use (param i64) (global.set $seed (i64.xor (global.get $seed) (local.get 0))))`;
const make = (type: ValueType, index: number) => MAKE[type]?.(index) ?? "";
const use = (type: ValueType) => USE[type] ?? "";

function locals(count: number, type: ValueType): string {
  return `${SEED} (func $run (export "run") (local ${repeat(count, () => type)})
    ${repeat(count, (index) => `(local.set ${index} ${make(type, index)})`)}
    (call $run)
    ${repeat(count, (index) => `local.get ${index} ${use(type)}`)})`;
}

function operands(count: number, type: ValueType): string {
  return `${SEED} (func $run (export "run")
    ${repeat(count, (index) => make(type, index))}
    (call $run)
    ${repeat(count, () => use(type))})`;
}

function parameters(count: number, type: ValueType): string {
  return `${SEED} (func $down (param ${repeat(count, () => type)})
    (call $down ${repeat(count, (index) => make(type, index))})
    ${repeat(count, (index) => `local.get ${index} ${use(type)}`)})
    (func (export "run") (call $down ${repeat(count, (index) => make(type, index))}))`;
}

function results(count: number, type: ValueType): string {
  return `${SEED} (func $down (result ${repeat(count, () => type)})
    (call $down) ${repeat(count, () => use(type))}
    ${repeat(count, (index) => make(type, index))})
    (func (export "run") (call $down) ${repeat(count, () => use(type))})`;
}

function passedOn(count: number, below = 0): string {
  const types = repeat(count, () => "v128");
  const gets = repeat(count, (index) => `(local.get ${index})`);
  const more = repeat(below, () => "(global.get $g)");
  return `(global $g (mut v128) (v128.const i64x2 0 0))
    (func $down (param ${types}) (result ${types}) ${more} (call $down ${gets}) (call $down)
      ${repeat(count, (index) => `local.set ${index}`)} ${repeat(below, () => "global.set $g")} ${gets})
    (func (export "run") (call $down ${repeat(count, () => "(global.get $g)")}) ${repeat(count, () => "drop")})`;
}

function blocks(count: number): string {
  const types = repeat(count, () => "i64");
  return `${SEED} (func $run (export "run")
    ${repeat(count, (index) => make("i64", index))}
    (loop (param ${types}) (result ${types})
      (block (param ${types}) (result ${types}) (call $run) (br_if 1 (i32.eqz (i32.wrap_i64 (global.get $seed))))))
    ${repeat(count, () => use("i64"))})`;
}

/**
 * Modules in text whose exported `run` calls itself for ever, with frames of all shapes: what they hold is in use after the
 * call, so that no compiler can leave it out.
 */
export const FRAMES: Readonly<Record<string, string>> = {
  empty: `(func $run (export "run") (call $run))`,
  "a few locals": locals(4, "i64"),
  "a hundred locals": locals(100, "i32"),
  "a thousand locals": locals(1000, "i64"),
  "a thousand vectors": locals(1000, "v128"),
  "locals that are never used": `(func $run (export "run") (local ${repeat(5000, () => "v128")}) (call $run))`,
  "a few operands": operands(6, "f64"),
  "a thousand operands": operands(1000, "i64"),
  "a thousand vectors as operands": operands(1000, "v128"),
  "a thousand vectors of a global": `(global $g (mut v128) (v128.const i64x2 0 0))
    (func $run (export "run") ${repeat(1000, () => "global.get $g")} call $run ${repeat(1000, () => "global.set $g")})`,
  "many parameters": parameters(100, "i32"),
  "a thousand parameters": parameters(1000, "i64"),
  "a thousand vectors as parameters": parameters(1000, "v128"),
  "many results": results(100, "i64"),
  "a thousand results": results(1000, "v128"),
  "a thousand results that are passed on": `(func $run (result ${repeat(1000, () => "v128")}) (call $run))
    (func (export "run") (call $run) ${repeat(1000, () => "drop")})`,
  "parameters and results that are passed on": passedOn(1000),
  "parameters and results that are passed on, deep in the operands": passedOn(1000, 1000),
  "a block with many parameters": blocks(200),
  "two functions that call each other": `(func $a (export "run") (call $b)) (func $b (call $a))`,
  "one that hands itself down through a table": `(type $t (func (param funcref))) (table $t 1 funcref)
    (func $down (param funcref) (table.set $t (i32.const 0) (local.get 0))
      (call_indirect (type $t) (local.get 0) (i32.const 0)))
    (elem declare func $down)
    (func (export "run") (call $down (ref.func $down)))`,
  "a call through a table": `(type $t (func (param i64 f64) (result i64))) (table funcref (elem $run))
    (func $down (type $t) (i64.add (local.get 0)
      (call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 0))))
    (func $run (type $t) (i64.add (call $down (local.get 0) (local.get 1)) (local.get 0)))
    (func (export "run") (drop (call $run (i64.const 1) (f64.const 2))))`,
  references: `(table $t 1 externref)
    (func $down (param externref) (local externref externref)
      (local.set 1 (table.get $t (i32.const 0)))
      (call $down (local.get 1)) (table.set $t (i32.const 0) (local.get 0)) (table.set $t (i32.const 0) (local.get 1)))
    (func (export "run") (call $down (ref.null extern)))`,
  "a call in a loop": `(func $run (export "run") (local i32)
    (loop (call $run) (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 9)))))`,
  "many calls to small functions that a compiler puts in place": `(global $g (mut i64) (i64.const 0))
    (func $small (param i64 i64) (result i64) (i64.mul (i64.add (local.get 0) (global.get $g)) (local.get 1)))
    (func $run (export "run") (local i64)
      ${repeat(50, (index) => `(local.set 0 (call $small (local.get 0) (i64.const ${index})))`)}
      (call $run) (global.set $g (local.get 0)))`,
};

const TABLE = `(import "shared" "table" (table 2 funcref)) (type $t (func))`;
const caller = (own: number, other: number) =>
  `${TABLE} (func $f (call_indirect (type $t) (i32.const ${other}))) (elem (i32.const ${own}) $f)`;

/** Modules that call each other for ever: the first has what the others import as `shared`, the last has `run`. */
export const MODULES = [
  `(table (export "table") 2 funcref)`,
  caller(0, 1),
  caller(1, 0),
  `${TABLE} (func (export "run") (call_indirect (type $t) (i32.const 0)))`,
] as const;
