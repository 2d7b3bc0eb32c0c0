import { fixed, signed, unsigned } from "./bytes.ts";
import { TYPE_CODES, type ValueType } from "./opcodes.ts";
import type { Random } from "./random.ts";

export interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}
export interface GlobalPlan {
  readonly type: ValueType;
  readonly mutable: boolean;
  readonly imported: boolean;
}
export interface TablePlan {
  readonly element: "funcref" | "externref";
  readonly least: number;
  readonly most: number | undefined;
  readonly imported: boolean;
}
/** How a segment is stored; only passive ones can be used later. */
export type SegmentMode = "active" | "passive" | "declarative";

/** What a generated module has, before the bodies of its functions are written. */
export interface Plan {
  /** Function types, blocks that need one included; grows while bodies are written. */
  readonly types: FunctionType[];
  /** Imported ones first. */
  readonly functions: readonly FunctionType[];
  readonly importedFunctions: number;
  readonly globals: readonly GlobalPlan[];
  /** The global that bounds loops and calls: each of them takes 1, and functions return when nothing is left. */
  readonly budget: number;
  readonly tables: readonly TablePlan[];
  /** What table 0 starts with, by entry. */
  readonly callable: ReadonlyMap<number, number>;
  readonly memory:
    | { readonly least: number; readonly most: number | undefined; readonly imported: boolean }
    | undefined;
  readonly elements: readonly { readonly mode: SegmentMode; readonly element: "funcref" | "externref" }[];
  readonly data: readonly { readonly mode: SegmentMode }[];
}

export const NUMBERS = ["i32", "i64", "f32", "f64"] as const;
export const TYPES = [...NUMBERS, "v128", "funcref", "externref"] as const;

export function typeIndex(types: FunctionType[], type: FunctionType): number {
  const text = JSON.stringify(type);
  const found = types.findIndex((other) => JSON.stringify(other) === text);
  return found >= 0 ? found : types.push(type) - 1;
}

/** Numbers come up more often than vectors and references. */
export function randomType(random: Random): ValueType {
  return random.chance(75) ? random.pick(NUMBERS) : random.pick(TYPES);
}

const I64 = [0n, 1n, -1n, 2n, 63n, 64n, 255n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 32n, -(2n ** 31n)];
/** Bit patterns: zeros, ones, infinities, subnormals, limits, NaNs that are quiet, signalling, negative, with a payload. */
const F32 = [
  0, 0x80000000, 0x3f800000, 0xbf800000, 0x40490fdb, 0x7f800000, 0xff800000, 1, 0x7f7fffff, 0x4f000000, 0x7fc00000,
  0xffc00000, 0x7fa00000, 0xffedcba9, 0x7f800001,
];
const F64 = [
  0n,
  1n << 63n,
  0x3ff0000000000000n,
  0xbff0000000000000n,
  0x400921fb54442d18n,
  0x7ff0000000000000n,
  0xfff0000000000000n,
  1n,
  0x41e0000000000000n,
  0x7ff8000000000000n,
  0xfff8000000000000n,
  0x7ff4000000000000n,
  0xfff123456789abcdn,
  0x7ff0000000000001n,
];

const f32 = (random: Random) => fixed(BigInt(random.chance(75) ? random.pick(F32) : random.bits()), 4);
const f64 = (random: Random) =>
  fixed(random.chance(75) ? random.pick(F64) : (BigInt(random.bits()) << 32n) | BigInt(random.bits()), 8);

/** An instruction that leaves a constant; references are null. */
export function constant(random: Random, type: ValueType): number[] {
  switch (type) {
    case "i32":
      return [0x41, ...signed(random.chance(70) ? random.below(20) - 4 : random.bits() | 0)];
    case "i64":
      return [0x42, ...signed(random.chance(70) ? random.pick(I64) : BigInt(random.bits()))];
    case "f32":
      return [0x43, ...f32(random)];
    case "f64":
      return [0x44, ...f64(random)];
    case "v128":
      return [0xfd, ...unsigned(0x0c), ...vectorBytes(random)];
    default:
      return [0xd0, TYPE_CODES[type]];
  }
}

function vectorBytes(random: Random): number[] {
  if (random.chance(30)) return [...f64(random), ...f64(random)];
  if (random.chance(50)) return [...f32(random), ...f32(random), ...f32(random), ...f32(random)];
  return Array.from({ length: 16 }, () => random.below(256));
}
