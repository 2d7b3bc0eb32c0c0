/**
 * What the meter must know of instructions: how to get past their immediates, and what they do to the height of the operand
 * stack. Everything that WebAssembly 2.0 has; inspection has refused the rest.
 */

/** How the immediates of an instruction are passed over; the meter has something to do at those from `call` on. */
export const FORM = {
  plain: 0,
  /** One LEB128. */
  one: 1,
  /** Two. */
  two: 2,
  f32: 3,
  f64: 4,
  /** A vector of value types. */
  types: 5,
  call: 6,
  callIndirect: 7,
  block: 8,
  loop: 9,
  if: 10,
  else: 11,
  end: 12,
  branch: 13,
  branchIf: 14,
  branchTable: 15,
  return: 16,
  unreachable: 17,
  global: 18,
  memoryGrow: 19,
  /** May produce a NaN. */
  float: 20,
  /** 0xfc. */
  prefixed: 21,
  /** 0xfd. */
  vector: 22,
} as const;

export const FORMS = new Uint8Array(256);
/** Change of the height of the operand stack; 0 for those with a form of their own from `call` on. */
export const EFFECTS = new Int8Array(256);

function put(from: number, to: number, form: number, effect: number): void {
  FORMS.fill(form, from, to + 1);
  EFFECTS.fill(effect, from, to + 1);
}

put(0x00, 0x00, FORM.unreachable, 0);
put(0x01, 0x01, FORM.plain, 0); // nop
put(0x02, 0x02, FORM.block, 0);
put(0x03, 0x03, FORM.loop, 0);
put(0x04, 0x04, FORM.if, 0);
put(0x05, 0x05, FORM.else, 0);
put(0x0b, 0x0b, FORM.end, 0);
put(0x0c, 0x0c, FORM.branch, 0);
put(0x0d, 0x0d, FORM.branchIf, 0);
put(0x0e, 0x0e, FORM.branchTable, 0);
put(0x0f, 0x0f, FORM.return, 0);
put(0x10, 0x10, FORM.call, 0);
put(0x11, 0x11, FORM.callIndirect, 0);
put(0x1a, 0x1a, FORM.plain, -1); // drop
put(0x1b, 0x1b, FORM.plain, -2); // select
put(0x1c, 0x1c, FORM.types, -2); // select with a type
put(0x20, 0x20, FORM.one, 1); // local.get
put(0x21, 0x21, FORM.one, -1); // local.set
put(0x22, 0x22, FORM.one, 0); // local.tee
put(0x23, 0x23, FORM.global, 1); // global.get
put(0x24, 0x24, FORM.global, -1); // global.set
put(0x25, 0x25, FORM.one, 0); // table.get
put(0x26, 0x26, FORM.one, -2); // table.set
put(0x28, 0x35, FORM.two, 0); // loads
put(0x36, 0x3e, FORM.two, -2); // stores
put(0x3f, 0x3f, FORM.one, 1); // memory.size
put(0x40, 0x40, FORM.memoryGrow, 0);
put(0x41, 0x42, FORM.one, 1); // i32.const, i64.const
put(0x43, 0x43, FORM.f32, 1);
put(0x44, 0x44, FORM.f64, 1);
put(0x45, 0xc4, FORM.plain, 0); // unary: tests, counts, conversions, sign extension
for (const [from, to] of [
  [0x46, 0x4f], // comparisons
  [0x51, 0x66],
  [0x6a, 0x78], // arithmetic
  [0x7c, 0x8a],
  [0x92, 0x98],
  [0xa0, 0xa6],
] as const) {
  put(from, to, FORM.plain, -1);
}
for (const [from, to, effect] of [
  [0x8d, 0x91, 0], // f32: ceil, floor, trunc, nearest, sqrt
  [0x92, 0x97, -1], // add, sub, mul, div, min, max
  [0x9b, 0x9f, 0], // the same of f64
  [0xa0, 0xa5, -1],
  [0xb6, 0xb6, 0], // f32.demote_f64
  [0xbb, 0xbb, 0], // f64.promote_f32
] as const) {
  put(from, to, FORM.float, effect);
}
put(0xd0, 0xd0, FORM.one, 1); // ref.null
put(0xd1, 0xd1, FORM.plain, 0); // ref.is_null
put(0xd2, 0xd2, FORM.one, 1); // ref.func
put(0xfc, 0xfc, FORM.prefixed, 0);
put(0xfd, 0xfd, FORM.vector, 0);

/** Of instructions behind 0xfc: number of immediates, effect on the height. */
export const PREFIXED: readonly (readonly [immediates: number, effect: number])[] = [
  ...Array<readonly [number, number]>(8).fill([0, 0]), // saturating conversions
  [2, -3], // memory.init
  [1, 0], // data.drop
  [2, -3], // memory.copy
  [1, -3], // memory.fill
  [2, -3], // table.init
  [1, 0], // elem.drop
  [2, -3], // table.copy
  [1, -1], // table.grow
  [1, 1], // table.size
  [1, -3], // table.fill
];
export const TABLE_GROW = 15;

/** Bulk operations, whose cost depends on a length: units per item as a shift to the left (negative: to the right). */
export const BULK: Readonly<Record<number, number>> = { 8: -3, 10: -3, 11: -3, 12: 0, 14: 0, 17: 0 };

/** Of instructions behind 0xfd: bytes of immediates besides a memory argument. */
export const VECTOR_BYTES = new Uint8Array(256);
export const VECTOR_MEMORY = new Uint8Array(256);
export const VECTOR_EFFECTS = new Int8Array(256).fill(-1);
/** 1: lanes of f32, 2: lanes of f64 that may be NaN. */
export const VECTOR_FLOAT = new Uint8Array(256);

VECTOR_BYTES.fill(16, 0x0c, 0x0e); // v128.const, i8x16.shuffle
VECTOR_BYTES.fill(1, 0x15, 0x23); // lanes
VECTOR_BYTES.fill(1, 0x54, 0x5c);
VECTOR_MEMORY.fill(1, 0x00, 0x0c);
VECTOR_MEMORY.fill(1, 0x54, 0x5e);
VECTOR_EFFECTS.fill(0, 0x00, 0x0b); // loads
VECTOR_EFFECTS[0x0b] = -2; // v128.store
VECTOR_EFFECTS[0x0c] = 1; // v128.const
VECTOR_EFFECTS[0x52] = -2; // v128.bitselect
VECTOR_EFFECTS.fill(-2, 0x58, 0x5c); // stores of a lane
VECTOR_EFFECTS.fill(0, 0x5c, 0x5e); // loads with zeros
for (const [from, to] of [
  [0x0f, 0x14], // splats
  [0x15, 0x16], // extract_lane
  [0x18, 0x19],
  [0x1b, 0x1b],
  [0x1d, 0x1d],
  [0x1f, 0x1f],
  [0x21, 0x21],
  [0x4d, 0x4d], // not
  [0x53, 0x53], // any_true
  [0x5e, 0x64], // demote, promote; abs, neg, popcnt, all_true, bitmask
  [0x67, 0x6a], // f32x4: ceil, floor, trunc, nearest
  [0x74, 0x75], // f64x2: ceil, floor
  [0x7a, 0x7a], // f64x2.trunc
  [0x7c, 0x7f], // pairwise additions
  [0x80, 0x81],
  [0x83, 0x84],
  [0x87, 0x8a], // extensions
  [0x94, 0x94], // f64x2.nearest
  [0xa0, 0xa1],
  [0xa3, 0xa4],
  [0xa7, 0xaa],
  [0xc0, 0xc1],
  [0xc3, 0xc4],
  [0xc7, 0xca],
  [0xe0, 0xe1],
  [0xe3, 0xe3], // f32x4.sqrt
  [0xec, 0xed],
  [0xef, 0xef], // f64x2.sqrt
  [0xf8, 0xff], // conversions
] as const) {
  VECTOR_EFFECTS.fill(0, from, to + 1);
}
VECTOR_FLOAT[0x5e] = 1; // f32x4.demote_f64x2_zero
VECTOR_FLOAT[0x5f] = 2; // f64x2.promote_low_f32x4
VECTOR_FLOAT.fill(1, 0x67, 0x6b);
VECTOR_FLOAT.fill(2, 0x74, 0x76);
VECTOR_FLOAT[0x7a] = 2;
VECTOR_FLOAT[0x94] = 2;
VECTOR_FLOAT.fill(1, 0xe3, 0xea); // sqrt, add, sub, mul, div, min, max
VECTOR_FLOAT.fill(2, 0xef, 0xf6);
