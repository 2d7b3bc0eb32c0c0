type Args = readonly (number | bigint)[];
/** The cost of `run` with these arguments, each by the side of what a reader counts. */
export interface CostCase {
  readonly title: string;
  readonly fields: string;
  readonly costs: readonly (readonly [Args, number])[];
}

export const COST_CASES: readonly CostCase[] = [
  { title: "an empty function", fields: `(func (export "run"))`, costs: [[[], 0]] },
  {
    title: "straight-line code",
    fields: `(func (export "run") (result i32) (i32.add (i32.const 1) (i32.const 2)))`,
    costs: [[[], 3]],
  },
  {
    title: "each instruction that does nothing",
    fields: `(func (export "run") nop (drop (i32.const 1)) (block) (loop) (block (block nop)))`,
    costs: [[[], 4]],
  },
  {
    title: "both arms of an if",
    fields: `(func (export "run") (param i32) (if (local.get 0) (then nop nop) (else nop)))`,
    costs: [
      [[1], 4],
      [[0], 3],
    ],
  },
  {
    title: "an if without else",
    fields: `(func (export "run") (param i32) (if (local.get 0) (then nop nop)) nop)`,
    costs: [
      [[1], 5],
      [[0], 3],
    ],
  },
  {
    title: "an if that takes and gives values",
    fields: `(func (export "run") (param i32) (result i32)
      i32.const 5 i32.const 6 local.get 0
      if (param i32 i32) (result i32) i32.add else drop i32.const 1 i32.add end)`,
    costs: [
      [[1], 5],
      [[0], 7],
    ],
  },
  {
    title: "an if whose arms leave",
    fields: `(func (export "run") (param i32) (result i32)
      (if (local.get 0) (then (return (i32.const 1))) (else (return (i32.const 2)))) unreachable)`,
    costs: [
      [[1], 4],
      [[0], 4],
    ],
  },
  {
    title: "a branch out of several levels with values",
    fields: `(func (export "run") (param i32) (result i32)
      (block $out (result i32)
        i32.const 9
        (block (block (br $out (i32.const 1) (local.get 0))))
        nop nop nop))`,
    costs: [[[3], 4]],
  },
  {
    title: "a conditional branch with a value, taken or not",
    fields: `(func (export "run") (param i32) (result i32)
      (block (result i32) (br_if 0 (i32.const 1) (local.get 0)) drop i32.const 2))`,
    costs: [
      [[1], 3],
      [[0], 5],
    ],
  },
  {
    title: "each way of a branch table",
    fields: `(func (export "run") (param i32)
      (block $c (block $b (block $a (br_table $a $b $c $b (local.get 0))) nop) nop nop) nop)`,
    costs: [
      [[0], 6],
      [[1], 5],
      [[2], 3],
      [[3], 5],
      [[-1], 5],
    ],
  },
  {
    title: "a loop, as often as it runs",
    fields: `(func (export "run") (param i32)
      (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))`,
    costs: [
      [[1], 5],
      [[2], 10],
      [[1000], 5000],
    ],
  },
  {
    title: "a loop with parameters",
    fields: `(func (export "run") (param i32) (result i32)
      local.get 0
      loop (param i32) (result i32) i32.const 1 i32.sub local.tee 0 local.get 0 br_if 0 end)`,
    costs: [
      [[1], 6],
      [[7], 36],
    ],
  },
  {
    title: "loops in loops",
    fields: `(func (export "run") (param i32) (local i32)
      (loop $outer
        (local.set 1 (i32.const 3))
        (loop (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
        (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))`,
    costs: [
      [[1], 2 + 15 + 5],
      [[4], 4 * (2 + 15 + 5)],
    ],
  },
  {
    title: "a branch into the middle of nested loops",
    fields: `(func (export "run") (param i32) (result i32)
      (loop $outer
        (block $skip
          (loop
            (br_if $skip (i32.lt_s (local.get 0) (i32.const 2)))
            (local.set 0 (i32.sub (local.get 0) (i32.const 2)))
            (br $outer))))
      (local.get 0))`,
    costs: [
      [[1], 5],
      [[5], 2 * 9 + 5],
    ],
  },
  {
    title: "a return from nested blocks",
    fields: `(func (export "run") (param i32) (result i32)
      i32.const 8
      (block (loop (if (local.get 0) (then (return (i32.const 1))))))
      drop i32.const 2)`,
    costs: [
      [[1], 5],
      [[0], 5],
    ],
  },
  {
    title: "calls",
    fields: `(func $one (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
      (func (export "run") (result i32) (call $one (call $one (i32.const 0))))`,
    costs: [[[], 3 + 3 + 3]],
  },
  {
    title: "calls through a table",
    fields: `(type $t (func (result i32))) (table funcref (elem $a $b))
      (func $a (result i32) i32.const 1) (func $b (result i32) nop nop i32.const 1)
      (func (export "run") (param i32) (result i32) (call_indirect (type $t) (local.get 0)))`,
    costs: [
      [[0], 3],
      [[1], 5],
    ],
  },
  {
    title: "recursion",
    fields: `(func $run (export "run") (param i32) (result i32)
      (if (result i32) (local.get 0)
        (then (call $run (i32.sub (local.get 0) (i32.const 1))))
        (else (i32.const 7))))`,
    costs: [
      [[0], 3],
      [[3], 3 * 6 + 3],
      [[100], 603],
    ],
  },
  {
    title: "several results of functions and blocks",
    fields: `(func $two (param i32) (result i32 i64) local.get 0 i64.const 4)
      (func (export "run") (param i32) (result i32 i64)
        (block (result i32 i64) (call $two (local.get 0)))
        (loop (param i32 i64) (result i32 i64) nop)
        i64.const 1 i64.add
        local.get 0 br_if 0
        nop)`,
    costs: [
      [[1], 9],
      [[0], 10],
    ],
  },
  {
    title: "select with and without a type",
    fields: `(func (export "run") (param i32) (result i32)
      (select (result i32) (local.get 0) (select (i32.const 1) (i32.const 2) (local.get 0)) (local.get 0)))`,
    costs: [
      [[0], 7],
      [[1], 7],
    ],
  },
  {
    title: "code behind dead code",
    fields: `(func (export "run") (param i32) (result i32)
      (block (block (block (br 2)) nop nop) nop)
      (if (local.get 0) (then (block (br 0) nop) (loop (return (i32.const 3))) nop nop) (else (block (return (i32.const 4))) nop))
      nop
      (i32.const 5))`,
    costs: [
      [[0], 5],
      [[1], 6],
    ],
  },
  {
    title: "dead code, which costs nothing",
    fields: `(func (export "run") (param i32) (result i32)
      (block (br 0) (i32.add) drop (loop (br 0)) (if (i32.const 1) (then nop) (else nop)))
      (return (local.get 0))
      select drop (block (result i32) (unreachable)) (br_if 0 (i32.const 1)))`,
    costs: [[[1], 3]],
  },
  {
    title: "extended constants and segments, which cost nothing",
    fields: `(global $g i32 (i32.add (i32.const 3) (i32.mul (i32.const 4) (i32.const 5))))
      (memory 1) (data (i32.const 8) "abcd") (table 4 funcref) (elem (i32.const 1) $run)
      (func $run (export "run") (result i32) (i32.add (global.get $g) (i32.load (i32.const 8))))`,
    costs: [[[], 4]],
  },
  {
    title: "filling and copying memory by 8 bytes",
    fields: `(memory 1)
      (func (export "run") (param i32)
        (memory.fill (i32.const 0) (i32.const 1) (local.get 0))
        (memory.copy (i32.const 8) (i32.const 0) (local.get 0)))`,
    costs: [
      [[0], 8],
      [[7], 8],
      [[8], 10],
      [[15], 10],
      [[16], 12],
      [[60_000], 8 + 2 * 7500],
    ],
  },
  {
    title: "data of a segment by 8 bytes",
    fields: `(memory 1) (data $d "0123456789abcdefg")
      (func (export "run") (param i32) (memory.init $d (i32.const 0) (i32.const 0) (local.get 0)) (data.drop 1))
      (data "")`,
    costs: [
      [[7], 5],
      [[8], 6],
      [[17], 7],
    ],
  },
  {
    title: "filling and copying tables by the entry",
    fields: `(table $a 20 funcref) (table $b 20 funcref) (elem $e func 0 0 0)
      (func (export "run") (param i32)
        (table.fill $a (i32.const 0) (ref.null func) (local.get 0))
        (table.copy $b $a (i32.const 1) (i32.const 0) (local.get 0)))
      (func (export "init") (param i32)
        (table.init $a $e (i32.const 0) (i32.const 0) (local.get 0)))`,
    costs: [
      [[0], 8],
      [[1], 10],
      [[19], 8 + 38],
    ],
  },
  {
    title: "entries of a segment",
    fields: `(table $a 20 funcref) (elem $e func 0 0 0) (elem $f func 0)
      (func (export "run") (param i32)
        (table.init $a $e (i32.const 0) (i32.const 0) (local.get 0)) (elem.drop $f))`,
    costs: [
      [[0], 5],
      [[3], 8],
    ],
  },
  {
    title: "growing that succeeds, by the page and by the entry",
    fields: `(memory 1 4) (table $t 1 5 externref)
      (func (export "run") (param i32)
        (drop (memory.grow (local.get 0)))
        (drop (table.grow $t (ref.null extern) (local.get 0))))`,
    costs: [
      [[0], 7],
      [[1], 7 + 8192 + 1],
      [[3], 7 + 3],
      [[2], 7 + 2 * 8192],
      [[-1], 7],
    ],
  },
  {
    title: "canonical NaNs, which cost nothing",
    fields: `(func (export "run") (param f64) (result f64)
      (f64.div (f64.sqrt (f64.add (local.get 0) (f64.const nan))) (f64.promote_f32 (f32.const 0))))`,
    costs: [[[1], 7]],
  },
];
