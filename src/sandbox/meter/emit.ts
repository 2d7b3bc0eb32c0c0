import { DEPTH_BITS, DEPTH_LIMIT, SYSTEM_EXHAUSTED } from "../wasm/metering.ts";
import type { Output } from "./output.ts";
import type { Extent } from "./scope.ts";

/** Opcodes that metering writes (core specification §5.4). */
export const OP = {
  unreachable: 0x00,
  block: 0x02,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  return: 0x0f,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Eq: 0x46,
  i32Ne: 0x47,
  i64Ne: 0x52,
  i64LtS: 0x53,
  i32GtU: 0x4b,
  i32LeU: 0x4d,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32And: 0x71,
  i32Or: 0x72,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64And: 0x83,
  i64Shl: 0x86,
  i64ShrU: 0x88,
  i64ExtendI32U: 0xad,
  prefixed: 0xfc,
} as const;
export const EMPTY = 0x40;
export const I32 = 0x7f;
export const I64 = 0x7e;

/** One instruction of fuel. */
const UNIT = 2 ** DEPTH_BITS;
const COUNT_BITS = 0x7fff_ffff;
const DENIED_BIT = -0x8000_0000;
/** The sign bit, for fuel, and the bit of too deep calls, as a signed LEB128. */
const STOP_MASK = leb64(-(2n ** 63n) | BigInt(DEPTH_LIMIT));
const EXHAUSTED_MARK = leb64(SYSTEM_EXHAUSTED);

/** Writes sequences of metering code. `fuel` is the local that holds the counter while a function runs. */
export class Emitter {
  readonly #out: Output;
  readonly #global: number;
  fuel = 0;

  /** `global` is the index of the first of the meter's globals. */
  constructor(out: Output, global: number) {
    this.#out = out;
    this.#global = global;
  }

  op(code: number, immediate: number): void {
    this.#out.byte(code);
    this.#out.u32(immediate);
  }

  i32(value: number): void {
    this.#out.byte(OP.i32Const);
    this.#out.signed(value);
  }

  /** A count of instructions as the counter has it, and slots of the stack below it. */
  units(count: number, slots = 0): void {
    this.#out.byte(OP.i64Const);
    this.#out.signed(count * UNIT + slots);
  }

  /** The counter less `count`, left on the operand stack. */
  charged(count: number, slots = 0): void {
    this.op(OP.localGet, this.fuel);
    if (count === 0 && slots === 0) return;
    this.units(count, slots);
    this.#out.byte(OP.i64Sub);
  }

  load(): void {
    this.op(OP.globalGet, this.#global);
  }

  store(): void {
    this.op(OP.globalSet, this.#global);
  }

  /** What still may grow: 1 for pages, 2 for entries. */
  growing(code: number, which: 1 | 2): void {
    this.op(code, this.#global + which);
  }

  /** Leaves the label when fuel is used up. */
  check(label: number): void {
    this.op(OP.localGet, this.fuel);
    this.#out.byte(OP.i64Const);
    this.#out.byte(0);
    this.#out.byte(OP.i64LtS);
    this.op(OP.brIf, label);
  }

  /** Leaves the label when the counter on the operand stack says that fuel is used up or calls are too deep. */
  checkAll(label: number): void {
    this.#out.byte(OP.i64Const);
    this.#out.all(STOP_MASK);
    this.#out.byte(OP.i64And);
    this.#out.byte(OP.i64Const);
    this.#out.byte(0);
    this.#out.byte(OP.i64Ne);
    this.op(OP.brIf, label);
  }

  /** Takes units for a count of items in a local; `shift` is the power of two that one item costs. */
  chargeItems(local: number, shift: number): void {
    this.op(OP.localGet, this.fuel);
    this.op(OP.localGet, local);
    this.#out.byte(OP.i64ExtendI32U);
    if (shift < 0) {
      this.#out.byte(OP.i64Const);
      this.#out.signed(-shift);
      this.#out.byte(OP.i64ShrU);
    }
    this.#out.byte(OP.i64Const);
    this.#out.signed(DEPTH_BITS + Math.max(shift, 0));
    this.#out.byte(OP.i64Shl);
    this.#out.byte(OP.i64Sub);
    this.op(OP.localSet, this.fuel);
  }

  /**
   * Grows a memory or table by the number in local `by`, or not at all when what is left (`which`) does not reach; leaves the
   * result. `grow` and `size` write the instructions. When growing fails though the limits and the declared maximum allow it, the
   * system is exhausted: the counter says so, and the label is left. Of an imported memory or table nobody knows why; it counts
   * as denied.
   */
  grow({ which, by, got, shift, extent, label, grow, size }: Growing): void {
    const { most, imported } = extent ?? { most: undefined, imported: true };
    const out = this.#out;
    this.op(OP.localSet, by);
    this.op(OP.localGet, by);
    this.growing(OP.globalGet, which);
    this.i32(COUNT_BITS);
    out.byte(OP.i32And);
    out.byte(OP.i32GtU);
    out.byte(OP.if);
    out.byte(EMPTY);
    this.#deny(which);
    this.i32(-1);
    this.op(OP.localSet, by);
    out.byte(OP.end);

    this.op(OP.localGet, by);
    grow();
    this.op(OP.localTee, got);
    this.i32(-1);
    out.byte(OP.i32Eq);
    out.byte(OP.if);
    out.byte(EMPTY);
    this.op(OP.localGet, by);
    this.i32(-1);
    out.byte(OP.i32Ne);
    if (most !== undefined) {
      size();
      this.op(OP.localGet, by);
      out.byte(OP.i32Add);
      this.i32(most | 0);
      out.byte(OP.i32LeU);
      out.byte(OP.i32And);
    }
    out.byte(OP.if);
    out.byte(EMPTY);
    if (imported) this.#deny(which);
    else {
      out.byte(OP.i64Const);
      out.all(EXHAUSTED_MARK);
      this.op(OP.localSet, this.fuel);
      this.op(OP.br, label + 2);
    }
    out.byte(OP.end);
    out.byte(OP.else);
    this.growing(OP.globalGet, which);
    this.op(OP.localGet, by);
    out.byte(OP.i32Sub);
    this.growing(OP.globalSet, which);
    this.chargeItems(by, shift);
    out.byte(OP.end);
    this.op(OP.localGet, got);
  }

  #deny(which: 1 | 2): void {
    this.growing(OP.globalGet, which);
    this.i32(DENIED_BIT);
    this.#out.byte(OP.i32Or);
    this.growing(OP.globalSet, which);
  }
}

export interface Growing {
  readonly which: 1 | 2;
  /** Locals of type i32. */
  readonly by: number;
  readonly got: number;
  readonly shift: number;
  readonly extent: Extent | undefined;
  readonly label: number;
  readonly grow: () => void;
  readonly size: () => void;
}

function leb64(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest < -64n || rest > 63n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest & 0x7fn));
  return Uint8Array.from(bytes);
}
