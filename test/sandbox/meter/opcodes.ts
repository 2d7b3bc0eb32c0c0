/** The types of WebAssembly 2.0 and the instructions that take values and leave at most one, as tables. */

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128" | "funcref" | "externref";

export const TYPE_CODES: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
};

export interface Operation {
  /** The opcode with its prefix. */
  readonly code: readonly number[];
  readonly takes: readonly ValueType[];
  readonly gives: readonly ValueType[];
  /** Lanes that the immediate may name. */
  readonly lanes?: number;
  /** Has an alignment and an offset; the largest alignment. */
  readonly align?: number;
  /** Traps for some operands, other than by an address. */
  readonly traps?: "division" | "conversion";
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7];
}

const all: Operation[] = [];
type Types = string;
const types = (list: Types) => list.split(" ").filter((name): name is ValueType => name in TYPE_CODES);
function codes(from: number, to: number, takes: Types, gives: Types, more: Partial<Operation> = {}): void {
  for (let code = from; code <= to; code += 1) {
    all.push({ code: [code], takes: types(takes), gives: types(gives), ...more });
  }
}
function simd(subs: readonly (number | readonly [number, number])[], takes: Types, gives: Types, more = {}): void {
  for (const range of subs) {
    const [from, to] = typeof range === "number" ? [range, range] : range;
    for (let sub = from; sub <= to; sub += 1) {
      all.push({ code: [0xfd, ...leb(sub)], takes: types(takes), gives: types(gives), ...more });
    }
  }
}

// Comparisons and numeric instructions.
codes(0x45, 0x45, "i32", "i32");
codes(0x46, 0x4f, "i32 i32", "i32");
codes(0x50, 0x50, "i64", "i32");
codes(0x51, 0x5a, "i64 i64", "i32");
codes(0x5b, 0x60, "f32 f32", "i32");
codes(0x61, 0x66, "f64 f64", "i32");
codes(0x67, 0x69, "i32", "i32");
codes(0x6a, 0x6c, "i32 i32", "i32");
codes(0x6d, 0x70, "i32 i32", "i32", { traps: "division" });
codes(0x71, 0x78, "i32 i32", "i32");
codes(0x79, 0x7b, "i64", "i64");
codes(0x7c, 0x7e, "i64 i64", "i64");
codes(0x7f, 0x82, "i64 i64", "i64", { traps: "division" });
codes(0x83, 0x8a, "i64 i64", "i64");
codes(0x8b, 0x91, "f32", "f32");
codes(0x92, 0x98, "f32 f32", "f32");
codes(0x99, 0x9f, "f64", "f64");
codes(0xa0, 0xa6, "f64 f64", "f64");
codes(0xa7, 0xa7, "i64", "i32");
codes(0xa8, 0xa9, "f32", "i32", { traps: "conversion" });
codes(0xaa, 0xab, "f64", "i32", { traps: "conversion" });
codes(0xac, 0xad, "i32", "i64");
codes(0xae, 0xaf, "f32", "i64", { traps: "conversion" });
codes(0xb0, 0xb1, "f64", "i64", { traps: "conversion" });
codes(0xb2, 0xb3, "i32", "f32");
codes(0xb4, 0xb5, "i64", "f32");
codes(0xb6, 0xb6, "f64", "f32");
codes(0xb7, 0xb8, "i32", "f64");
codes(0xb9, 0xba, "i64", "f64");
codes(0xbb, 0xbb, "f32", "f64");
codes(0xbc, 0xbc, "f32", "i32");
codes(0xbd, 0xbd, "f64", "i64");
codes(0xbe, 0xbe, "i32", "f32");
codes(0xbf, 0xbf, "i64", "f64");
codes(0xc0, 0xc1, "i32", "i32");
codes(0xc2, 0xc4, "i64", "i64");
for (const [sub, takes, gives] of [
  [0, "f32", "i32"],
  [1, "f32", "i32"],
  [2, "f64", "i32"],
  [3, "f64", "i32"],
  [4, "f32", "i64"],
  [5, "f32", "i64"],
  [6, "f64", "i64"],
  [7, "f64", "i64"],
] as const) {
  all.push({ code: [0xfc, sub], takes: [takes], gives: [gives] });
}

// Loads and stores.
const loads: readonly (readonly [number, ValueType, number])[] = [
  [0x28, "i32", 2],
  [0x29, "i64", 3],
  [0x2a, "f32", 2],
  [0x2b, "f64", 3],
  [0x2c, "i32", 0],
  [0x2d, "i32", 0],
  [0x2e, "i32", 1],
  [0x2f, "i32", 1],
  [0x30, "i64", 0],
  [0x31, "i64", 0],
  [0x32, "i64", 1],
  [0x33, "i64", 1],
  [0x34, "i64", 2],
  [0x35, "i64", 2],
];
const stores: readonly (readonly [number, ValueType, number])[] = [
  [0x36, "i32", 2],
  [0x37, "i64", 3],
  [0x38, "f32", 2],
  [0x39, "f64", 3],
  [0x3a, "i32", 0],
  [0x3b, "i32", 1],
  [0x3c, "i64", 0],
  [0x3d, "i64", 1],
  [0x3e, "i64", 2],
];
for (const [code, type, align] of loads) codes(code, code, "i32", type, { align });
for (const [code, type, align] of stores) codes(code, code, `i32 ${type}`, "", { align });

// SIMD.
simd([0x00], "i32", "v128", { align: 4 });
simd([[0x01, 0x06], 0x0a, 0x5d], "i32", "v128", { align: 3 });
simd([0x07], "i32", "v128", { align: 0 });
simd([0x08], "i32", "v128", { align: 1 });
simd([0x09, 0x5c], "i32", "v128", { align: 2 });
simd([0x0b], "i32 v128", "", { align: 4 });
simd([0x0e], "v128 v128", "v128");
simd([[0x0f, 0x11]], "i32", "v128");
simd([0x12], "i64", "v128");
simd([0x13], "f32", "v128");
simd([0x14], "f64", "v128");
simd([0x15, 0x16], "v128", "i32", { lanes: 16 });
simd([0x17], "v128 i32", "v128", { lanes: 16 });
simd([0x18, 0x19], "v128", "i32", { lanes: 8 });
simd([0x1a], "v128 i32", "v128", { lanes: 8 });
simd([0x1b], "v128", "i32", { lanes: 4 });
simd([0x1c], "v128 i32", "v128", { lanes: 4 });
simd([0x1d], "v128", "i64", { lanes: 2 });
simd([0x1e], "v128 i64", "v128", { lanes: 2 });
simd([0x1f], "v128", "f32", { lanes: 4 });
simd([0x20], "v128 f32", "v128", { lanes: 4 });
simd([0x21], "v128", "f64", { lanes: 2 });
simd([0x22], "v128 f64", "v128", { lanes: 2 });
simd([[0x23, 0x4c], [0x4e, 0x51], 0x65, 0x66, [0x6e, 0x73]], "v128 v128", "v128");
simd([[0x76, 0x79], 0x7b, 0x82, 0x85, 0x86, [0x8e, 0x93], [0x95, 0x99]], "v128 v128", "v128");
simd([[0x9b, 0x9f], 0xae, 0xb1, [0xb5, 0xba], [0xbc, 0xbf], 0xce, 0xd1], "v128 v128", "v128");
simd(
  [
    [0xd5, 0xdf],
    [0xe4, 0xeb],
    [0xf0, 0xf7],
  ],
  "v128 v128",
  "v128",
);
simd([0x4d, 0x5e, 0x5f, [0x60, 0x62], [0x67, 0x6a], 0x74, 0x75, 0x7a], "v128", "v128");
simd([[0x7c, 0x7f], 0x80, 0x81, [0x87, 0x8a], 0x94, 0xa0, 0xa1, [0xa7, 0xaa]], "v128", "v128");
simd([0xc0, 0xc1, [0xc7, 0xca], 0xe0, 0xe1, 0xe3, 0xec, 0xed, 0xef, [0xf8, 0xff]], "v128", "v128");
simd([0x52], "v128 v128 v128", "v128");
simd([0x53, 0x63, 0x64, 0x83, 0x84, 0xa3, 0xa4, 0xc3, 0xc4], "v128", "i32");
simd(
  [
    [0x6b, 0x6d],
    [0x8b, 0x8d],
    [0xab, 0xad],
    [0xcb, 0xcd],
  ],
  "v128 i32",
  "v128",
);
simd([0x54], "i32 v128", "v128", { lanes: 16, align: 0 });
simd([0x55], "i32 v128", "v128", { lanes: 8, align: 1 });
simd([0x56], "i32 v128", "v128", { lanes: 4, align: 2 });
simd([0x57], "i32 v128", "v128", { lanes: 2, align: 3 });
simd([0x58], "i32 v128", "", { lanes: 16, align: 0 });
simd([0x59], "i32 v128", "", { lanes: 8, align: 1 });
simd([0x5a], "i32 v128", "", { lanes: 4, align: 2 });
simd([0x5b], "i32 v128", "", { lanes: 2, align: 3 });

/** All but shuffles, which take 16 lanes, and constants. */
export const OPERATIONS: readonly Operation[] = all;
