import { at, BACKSLASH, backslashes, UNIT } from "./text";

/** Polynomial hashes modulo 2^64. They tell values apart; nothing is kept secret by them. */
export const BASE: u64 = 0x9e3779b97f4a7c15;

/** The longest pattern whose hash is ever asked for. */
export const LONGEST: i32 = 511;
const POWERS: usize = memory.data(512 * 8, 8);

let power: u64 = 1;
for (let i: usize = 0; i < 512; i += 1) {
  store<u64>(POWERS + (i << 3), power);
  power *= BASE;
}

/** BASE to the power of at most 511. */
export function powerOf(exponent: i32): u64 {
  return load<u64>(POWERS + ((<usize>exponent) << 3));
}

/** Spreads a hash over the bits of an index. */
export function spread(hash: u64): u64 {
  return (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9;
}

/** The hash of a part of the text. JSON in JSON doubles backslashes: a run of them counts as one. */
export function hashOf(from: usize, to: usize): u64 {
  let hash: u64 = 0;
  for (let p = from; p < to; ) {
    const c = at(p);
    hash = hash * BASE + c;
    p = c === BACKSLASH ? backslashes(p) : p + UNIT;
  }
  return hash;
}
