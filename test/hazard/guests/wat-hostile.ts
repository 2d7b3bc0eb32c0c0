import { type Hostile, outOfFuel, tooDeep, tooMuch, traps } from "./hostile.ts";
import { type PuppetPart, watPuppet } from "./puppet.ts";
import { ALLOW, buildWat, verdict, watHook, withInstances } from "./wat.ts";

type Expected = Omit<Hostile, "component" | "config">;
type InPuppet = Expected & { readonly part: PuppetPart };

const SPIN = "(loop (br 0))";
const DONE = `(i32.const ${ALLOW})`;
const BOUNDARY = traps("an invalid value at the component's boundary");
const MEBIBYTE = 1024 * 1024;

/** A call that does not come back, whatever instruction keeps it. */
const spins = (name: string, body: string, fields = ""): InPuppet => ({
  name,
  ...outOfFuel(),
  part: { fields, handle: `(loop ${body} (br 0)) ${DONE}` },
});

/** Calls itself until it is stopped; `down` is what it does on the way. */
const recurses = (name: string, fields: string, call = "(call $down)"): InPuppet => ({
  name: `R5 deep recursion ${name}`,
  ...tooDeep,
  part: {
    fields: fields.replaceAll("$down", `$down-${words(name)}`),
    handle: `${call.replaceAll("$down", `$down-${words(name)}`)} ${DONE}`,
  },
});

const words = (name: string) => name.replace(/\W+/g, "-");

/** Grows something by one until it cannot, then traps. */
const grows = (what: string, name: string, fields: string, limit: string, allowed: number): InPuppet => ({
  name: `R${what}`,
  ...tooMuch(limit, allowed, `${allowed} and asked for more`),
  part: { fields, handle: `(loop (br_if 0 (i32.ne (${name} (i32.const 1)) (i32.const -1)))) (unreachable)` },
});

let free = 4096;
/** A part whose verdict lies in memory as it is said here. */
function says(
  name: string,
  parts: Omit<Parameters<typeof verdict>[1], "length"> & { readonly length?: number },
  text = "",
): InPuppet {
  const at = free;
  free += 64;
  const address = text === "" ? parts.address : at + 32;
  const fields = `${verdict(at, { length: 0, ...parts, address })} (data (i32.const ${at + 32}) "${text}")`;
  return { name: `R7 ${name}`, ...BOUNDARY, part: { fields, handle: `(i32.const ${at})` } };
}

/** The tables of one module that may have sixteen. */
const TABLES = Array.from({ length: 8 }, (_, n) => `(table $many-${n} 1 externref)`).join(" ");
const GROW_ALL = Array.from(
  { length: 8 },
  (_, n) => `(br_if 1 (i32.eq (table.grow $many-${n} (ref.null extern) (i32.const 1)) (i32.const -1)))`,
).join(" ");

const HUGE_FRAME = `(func $down (param i64 i64 i64 i64) (local ${"i64 ".repeat(1000)})
  (call $down (local.get 1000) (local.get 999) (local.get 998) (local.get 997)))`;
const MANY_PARAMETERS = `(func $down (param ${"i64 ".repeat(500)}) (call $down ${"(i64.const 1) ".repeat(500)}))`;

const IN_PUPPET: readonly InPuppet[] = [
  { name: "R1 an endless loop in configure", ...outOfFuel(), part: { configure: SPIN } },
  { name: "R2 an endless loop in cabi_realloc", ...outOfFuel(), part: { realloc: `${SPIN} (unreachable)` } },
  {
    name: "R2 an endless loop in cabi_realloc, called for an answer of the host",
    ...outOfFuel(),
    part: {
      fields: "(global $asked (mut i32) (i32.const 0))",
      realloc: `(if (global.get $asked) (then ${SPIN})) (i32.const 65536)`,
      handle: `(global.set $asked (i32.const 1)) (call $random (i32.const 32) (i32.const 60000)) ${DONE}`,
    },
  },
  { name: "R2 an endless loop in post-return", ...outOfFuel(), part: { post: SPIN } },
  { name: "R2 a trap in cabi_realloc", ...traps("unreachable"), part: { realloc: "(unreachable)" } },
  { name: "R2 a trap in post-return", ...traps("unreachable"), part: { post: "(unreachable)" } },
  spins("R2 an endless loop in handle", ""),
  spins("R2 an endless loop of filling memory", "(memory.fill (i32.const 0) (i32.const 0) (i32.const 65536))"),
  spins("R2 an endless loop of copying memory", "(memory.copy (i32.const 0) (i32.const 1) (i32.const 65536))"),
  spins(
    "R2 an endless loop of indirect calls",
    "(call_indirect $calls (i32.const 0))",
    "(table $calls funcref (elem $nothing)) (func $nothing)",
  ),
  spins(
    "R2 an endless loop of filling a table",
    "(table.fill $filled (i32.const 0) (ref.null extern) (i32.const 1000))",
    "(table $filled 1000 externref)",
  ),
  spins("R2 an endless loop of growing by nothing", "(drop (memory.grow (i32.const 0)))"),
  grows("3 a memory bomb", "memory.grow", "", "memoryPages", 512),
  {
    name: "R3 a memory bomb in one step",
    ...tooMuch("memoryPages", 512, "2 and asked for more"),
    part: { handle: `(if (i32.eq (memory.grow (i32.const 65535)) (i32.const -1)) (then (unreachable))) ${DONE}` },
  },
  grows(
    "4 a table bomb of funcref",
    "table.grow $bomb-func (ref.null func)",
    "(table $bomb-func 1 funcref)",
    "tableEntries",
    10_000,
  ),
  grows(
    "4 a table bomb of externref",
    "table.grow $bomb-extern (ref.null extern)",
    "(table $bomb-extern 1 externref)",
    "tableEntries",
    10_000,
  ),
  {
    name: "R4 a table bomb of many tables",
    ...tooMuch("tableEntries", 10_000, "10000 and asked for more"),
    part: { fields: TABLES, handle: `(block (loop ${GROW_ALL} (br 0))) (unreachable)` },
  },
  {
    name: "R4 a table bomb in one step",
    cause: "limit",
    says: /^`tableEntries`: allowed 10000, used 10\d\d and asked for more$/,
    part: {
      fields: "(table $leap 1 externref)",
      handle: `(if (i32.eq (table.grow $leap (ref.null extern) (i32.const -1)) (i32.const -1)) (then (unreachable))) ${DONE}`,
    },
  },
  recurses("direct", "(func $down (call $down))"),
  recurses("mutual", "(func $down (call $down-too)) (func $down-too (call $down))"),
  recurses(
    "indirect",
    "(table $down-table funcref (elem $down)) (func $down (call_indirect $down-table (i32.const 0)))",
  ),
  recurses("with huge frames", HUGE_FRAME, "(call $down (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1))"),
  recurses("with many parameters", MANY_PARAMETERS, `(call $down ${"(i64.const 1) ".repeat(500)})`),
  {
    name: "R5 deep recursion in cabi_realloc",
    ...tooDeep,
    part: {
      fields: "(func $deep-realloc (result i32) (i32.add (i32.const 1) (call $deep-realloc)))",
      realloc: "(call $deep-realloc)",
    },
  },
  {
    name: "R5 deep recursion in post-return",
    ...tooDeep,
    part: { fields: "(func $deep-post (call $deep-post))", post: "(call $deep-post)" },
  },
  { ...says("a string of 512 MB", { address: 0, length: 512 * MEBIBYTE }), name: "R6 a string of 512 MB" },
  {
    name: "R6 a list of 200 M",
    ...BOUNDARY,
    part: {
      handle: `(call $write (i32.const 1100) (i32.const 4) (i32.const 1100) (i32.const 4) (i32.const 0) (i32.const 200000000) (i32.const 60000)) ${DONE}`,
    },
  },
  {
    name: "R6 a string of 31 MB of memory",
    ...tooMuch("outputBytes", 4_194_304, 31 * MEBIBYTE),
    part: {
      fields: verdict(3900, { address: MEBIBYTE, length: 31 * MEBIBYTE }),
      handle: "(drop (memory.grow (i32.const 510))) (i32.const 3900)",
    },
  },
  { name: "R7 a result out of bounds", ...BOUNDARY, part: { handle: "(i32.const -8)" } },
  { name: "R7 a result that is not aligned", ...BOUNDARY, part: { handle: `(i32.const ${ALLOW + 1})` } },
  says("a string out of bounds", { address: 131_072, length: 1 }),
  says("a string that wraps around", { address: 0xffff_fff0, length: 0x20 }),
  says("invalid UTF-8", { address: 0, length: 1 }, "\\ff"),
  says("a surrogate in UTF-8", { address: 0, length: 3 }, "\\ed\\a0\\80"),
  says("an overlong NUL", { address: 0, length: 2 }, "\\c0\\80"),
  says("a bad variant tag", { tag: 9, address: 0 }),
  says("a bad decision", { decision: 3, address: 0 }),
  {
    name: "R7 a bad option tag",
    ...BOUNDARY,
    part: {
      fields: `(data (i32.const 3800) "\\00\\00\\00\\00\\00\\00\\00\\00\\00\\04\\00\\00\\00\\00\\00\\00\\07\\00\\00\\00")`,
      handle: "(i32.const 3800)",
    },
  },
  { name: "R7 memory out of bounds from cabi_realloc", ...BOUNDARY, part: { realloc: "(i32.const -16)" } },
  {
    name: "R6 a string of 128 MB of memory",
    ...tooMuch("outputBytes", 4_194_304, 128 * MEBIBYTE),
    limits: { memoryPages: 8192 },
    part: {
      fields: verdict(3840, { address: MEBIBYTE, length: 128 * MEBIBYTE }),
      handle: "(drop (memory.grow (i32.const 2100))) (i32.const 3840)",
    },
  },
  {
    name: "R7 bytes of a list out of bounds",
    ...BOUNDARY,
    part: {
      handle: `(call $write (i32.const 1100) (i32.const 4) (i32.const 1100) (i32.const 4) (i32.const 131000) (i32.const 1000)
        (i32.const 60000)) ${DONE}`,
    },
  },
  {
    name: "R7 an event out of bounds",
    ...BOUNDARY,
    part: {
      handle: `(call $emit (i32.const 1100) (i32.const 4) (i32.const 131000) (i32.const 1000) (i32.const 60000)) ${DONE}`,
    },
  },
  {
    name: "R7 a hostcall's result out of bounds",
    ...BOUNDARY,
    part: { handle: `(call $random (i32.const 8) (i32.const 131071)) ${DONE}` },
  },
  {
    name: "R7 a load out of bounds",
    ...traps("memory access out of bounds"),
    part: { handle: "(i32.load (i32.const -4))" },
  },
  {
    name: "R7 an indirect call of nothing",
    ...traps("indirect call of a wrong function"),
    part: { fields: "(table $empty 1 funcref)", handle: `(call_indirect $empty (i32.const 0)) ${DONE}` },
  },
  {
    name: "R7 an indirect call out of bounds",
    ...traps("table access out of bounds"),
    part: { fields: "(table $small 1 funcref)", handle: `(call_indirect $small (i32.const 99)) ${DONE}` },
  },
  {
    name: "R7 a division by zero",
    ...traps("integer division by zero"),
    part: { handle: "(i32.div_s (i32.const 1) (i32.const 0))" },
  },
  {
    name: "R12 a flood of events",
    ...tooMuch("events", 50, 51),
    part: {
      handle: `(loop (call $emit (i32.const 3700) (i32.const 4) (i32.const 3704) (i32.const 1) (i32.const 60000)) (br 0)) ${DONE}`,
      fields: `(data (i32.const 3700) "kind1")`,
    },
  },
  {
    name: "R12 an event of 30 MB",
    ...tooMuch("eventBytes", 65_536, 30 * MEBIBYTE + 4),
    part: {
      handle: `(drop (memory.grow (i32.const 510))) (call $emit (i32.const 1100) (i32.const 4) (i32.const ${MEBIBYTE}) (i32.const ${30 * MEBIBYTE}) (i32.const 60000)) ${DONE}`,
    },
  },
  {
    name: "R12 an event of 1 GB",
    ...BOUNDARY,
    part: {
      handle: `(call $emit (i32.const 1100) (i32.const 4) (i32.const 0) (i32.const ${1024 * MEBIBYTE}) (i32.const 60000)) ${DONE}`,
    },
  },
  {
    name: "R13 a flood of hostcalls",
    ...tooMuch("hostcalls", 100, 101),
    part: { handle: `(loop (drop (call $now)) (br 0)) ${DONE}` },
  },
  {
    name: "R13 a flood of hostcalls from cabi_realloc",
    ...traps("re-entered or used after a trap"),
    part: { realloc: "(loop (drop (call $now)) (br 0)) (i32.const 65536)" },
  },
  {
    name: "R5 deep recursion through hostcalls in cabi_realloc",
    ...traps("re-entered or used after a trap"),
    limits: { hostcalls: 10_000 },
    part: {
      fields: "(global $answering (mut i32) (i32.const 0))",
      realloc: `(if (global.get $answering) (then (call $random (i32.const 32) (i32.const 60000)))) (i32.const 65536)`,
      handle: `(global.set $answering (i32.const 1)) (call $random (i32.const 32) (i32.const 60000)) ${DONE}`,
    },
  },
  {
    name: "R16 a hostcall from post-return",
    ...traps("re-entered or used after a trap"),
    part: { post: "(drop (call $now))" },
  },
  {
    name: "R18 an instance that trapped and would allow its next call",
    ...traps("unreachable"),
    part: {
      fields: "(global $calls (mut i32) (i32.const 0))",
      handle: `(if (i32.eqz (global.get $calls)) (then (global.set $calls (i32.const 1)) (unreachable))) ${DONE}`,
    },
  },
];

let puppet: Promise<Uint8Array> | undefined;

/** A component by itself: what is hostile here happens before a configuration is read. */
const alone = (expected: Expected, parts: Parameters<typeof watHook>[0]): Hostile => ({
  ...expected,
  component: () => buildWat(watHook(parts)),
});

export const WAT_GUESTS: readonly Hostile[] = [
  ...IN_PUPPET.map(({ part: _, ...expected }, index) => ({
    ...expected,
    config: { guest: index + 1 },
    component: () => (puppet ??= buildWat(watPuppet(IN_PUPPET.map(({ part }) => part)))),
  })),
  alone(
    { name: "R1 an endless loop in a start function", ...outOfFuel() },
    { fields: `(func $spin ${SPIN}) (start $spin)` },
  ),
  alone(
    { name: "R1 an endless loop in a start function, for each call anew", ...outOfFuel(), instance: "call" },
    { fields: `(func $spin ${SPIN}) (start $spin)` },
  ),
  alone(
    { name: "R1 a trap in a start function", ...traps("unreachable") },
    { fields: "(func $stop (unreachable)) (start $stop)" },
  ),
  alone(
    { name: "R5 deep recursion in a start function", ...tooDeep },
    { fields: "(func $down (call $down)) (start $down)" },
  ),
  alone(
    { name: "R2 an endless loop in cabi_realloc for the configuration", ...outOfFuel() },
    { realloc: `${SPIN} (unreachable)` },
  ),
  alone(
    { name: "R3 a memory that starts above the limit", ...tooMuch("memoryPages", 512, 513) },
    { memory: '(memory (export "memory") 513)' },
  ),
  alone(
    { name: "R4 a table that starts above the limit", ...tooMuch("tableEntries", 10_000, 10_001) },
    { fields: "(table 10001 funcref)" },
  ),
  alone(
    { name: "R7 data out of bounds", ...traps("memory access out of bounds") },
    { fields: '(data (i32.const 131072) "x")' },
  ),
  alone(
    { name: "R7 an element out of bounds", ...traps("table access out of bounds") },
    { fields: "(table 1 funcref) (func $f) (elem (i32.const 1) $f)" },
  ),
  {
    name: "R3 two memories that start above the limit together",
    ...tooMuch("memoryPages", 512, 602),
    component: async () => withInstances(await buildWat(watHook({})), "(memory 300)", 2),
  },
  {
    name: "R4 tables of many instances that start above the limit together",
    ...tooMuch("tableEntries", 10_000, 10_500),
    component: async () => withInstances(await buildWat(watHook({})), "(table 3500 funcref)", 3),
  },
  {
    name: "R9 a memory for each of five core modules",
    ...tooMuch("memories", 4, 5),
    component: async () => withInstances(await buildWat(watHook({})), "(memory 1)", 4),
  },
];
