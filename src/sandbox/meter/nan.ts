import { OP } from "./emit.ts";
import type { Output } from "./output.ts";

/**
 * Which NaN an operation gives is up to the machine (core specification §4.3.3), so every operation that may give one is
 * followed by a choice of the canonical NaN, unless the next instruction consumes the value without showing its bits.
 */

export const F32 = 0x7d;
export const F64 = 0x7c;
export const V128 = 0x7b;

const F32_EQ = 0x5b;
const F64_EQ = 0x61;
const SELECT = 0x1b;
const F32X4_EQ = 0x41;
const F64X2_EQ = 0x47;
const BITSELECT = 0x52;

const NAN_32 = Uint8Array.of(0x00, 0x00, 0xc0, 0x7f);
const NAN_64 = Uint8Array.of(0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x7f);

/** The type that a float instruction gives. */
export function floatTypeOf(code: number): typeof F32 | typeof F64 {
  return (code >= 0x8d && code <= 0x97) || code === 0xb6 ? F32 : F64;
}

const ABSORBS_32 = new Uint8Array(256);
const ABSORBS_64 = new Uint8Array(256);
for (const table of [ABSORBS_32, ABSORBS_64]) table[0x1a] = 1; // drop
ABSORBS_32.fill(1, 0x5b, 0x61); // comparisons
ABSORBS_64.fill(1, 0x61, 0x67);
ABSORBS_32.fill(1, 0x8d, 0x98); // arithmetic, whose own result is made canonical
ABSORBS_64.fill(1, 0x9b, 0xa6);
for (const code of [0xa8, 0xa9, 0xae, 0xaf, 0xbb]) ABSORBS_32[code] = 1; // to integers, and promotion
for (const code of [0xaa, 0xab, 0xb0, 0xb1, 0xb6]) ABSORBS_64[code] = 1;

/** Whether the instruction that follows a float of this type takes it without showing which NaN it is. */
export function absorbs(type: typeof F32 | typeof F64, next: number): boolean {
  return (type === F32 ? ABSORBS_32 : ABSORBS_64)[next] === 1;
}

/** Makes the float on top of the operand stack canonical; `local` has its type. */
export function canonicalFloat(out: Output, type: typeof F32 | typeof F64, local: number): void {
  const get = (code: number) => {
    out.byte(code);
    out.u32(local);
  };
  get(OP.localTee);
  out.byte(type === F32 ? 0x43 : 0x44);
  out.all(type === F32 ? NAN_32 : NAN_64);
  get(OP.localGet);
  get(OP.localGet);
  out.byte(type === F32 ? F32_EQ : F64_EQ);
  out.byte(SELECT);
}

/** The same for every lane of a v128: 1 for lanes of f32, 2 for lanes of f64. */
export function canonicalLanes(out: Output, lanes: number, local: number): void {
  const get = (code: number) => {
    out.byte(code);
    out.u32(local);
  };
  const vector = (code: number) => {
    out.byte(0xfd);
    out.u32(code);
  };
  get(OP.localTee);
  vector(0x0c);
  const nan = lanes === 1 ? NAN_32 : NAN_64;
  for (let at = 0; at < 16; at += nan.length) out.all(nan);
  get(OP.localGet);
  get(OP.localGet);
  vector(lanes === 1 ? F32X4_EQ : F64X2_EQ);
  vector(BITSELECT);
}
