import { BASE, LONGEST, powerOf, spread } from "./hash";
import { BASE64, HEX, is } from "./text";

/**
 * Patterns under which a secret that was seen may come again: plain, in hex, in base64, percent-encoded. Of each only the
 * length and two hashes are kept: of all of it, and of its last eight characters, by which it is found.
 */
@unmanaged
export class Pattern {
  tail: u64;
  whole: u64;
  length: i32;
  value: u32;
  /** The class of characters around it that go with it, or 0. */
  around: u32;
}

/** Characters by which a pattern is found; none is shorter. */
export const TAIL: i32 = 8;

const MOST: u32 = 12288;
const SLOTS: usize = 65536;
/** Patterns that may crowd one place of the table; further ones are not kept, so that looking up stays quick. */
export const CROWD: i32 = 6;
const PATTERNS: usize = heap.alloc(<usize>MOST * offsetof<Pattern>());
const INDEX: usize = heap.alloc(SLOTS * 2);
/** One bit for the spread hash of each tail. */
const FILTER: usize = heap.alloc(8192);

let kept: u32 = 0;

export function any(): bool {
  return kept > 0;
}

/** Whether there may be a pattern with this tail. Quick, and right when it says no. */
export function mayEnd(tail: u64): bool {
  const bit = <u32>(spread(tail) >> 48);
  return ((<u32>load<u8>(FILTER + (bit >> 3)) >> (bit & 7)) & 1) !== 0;
}

/** The first slot to look into for a tail. */
export function slotOf(tail: u64): usize {
  return <usize>(spread(tail) >> 20) & (SLOTS - 1);
}

/** The pattern in a slot, or null behind the last one that may have the tail. */
export function patternIn(slot: usize): Pattern | null {
  const index = <usize>load<u16>(INDEX + ((slot & (SLOTS - 1)) << 1));
  return index === 0 ? null : changetype<Pattern>(PATTERNS + (index - 1) * offsetof<Pattern>());
}

function keep(length: i32, whole: u64, tail: u64, value: u32, around: u32): void {
  if (length < TAIL || length > LONGEST || kept >= MOST) return;
  let slot = slotOf(tail);
  for (let i = 0; ; i += 1, slot += 1) {
    if (i === CROWD) return;
    const other = patternIn(slot);
    if (other === null) break;
    if (other.whole === whole && other.length === length) return;
  }
  const pattern = changetype<Pattern>(PATTERNS + <usize>kept * offsetof<Pattern>());
  pattern.tail = tail;
  pattern.whole = whole;
  pattern.length = length;
  pattern.value = value;
  pattern.around = around;
  kept += 1;
  store<u16>(INDEX + ((slot & (SLOTS - 1)) << 1), kept);
  const bit = <u32>(spread(tail) >> 48);
  const byte: u32 = load<u8>(FILTER + (bit >> 3));
  store<u8>(FILTER + (bit >> 3), byte | (1 << (bit & 7)));
}

/** The pattern that is being written, character by character. */
let length: i32 = 0;
let whole: u64 = 0;
const LAST: usize = memory.data(8 * 8, 8);

function begin(): void {
  length = 0;
  whole = 0;
}

function put(c: u32): void {
  // The hash before the last eight characters gives the hash of the tail.
  store<u64>(LAST + ((<usize>(length & 7)) << 3), whole);
  whole = whole * BASE + c;
  length += 1;
}

function finish(value: u32, around: u32): void {
  if (length < TAIL) return;
  keep(length, whole, whole - load<u64>(LAST + ((<usize>(length & 7)) << 3)) * powerOf(TAIL), value, around);
}

/**
 * Remembers an ASCII value (`from` to `to`, UTF-16) in the forms in which it may come again. Of a value that is `cut`,
 * there is more before it.
 */
export function remember(from: usize, to: usize, value: u32, cut: bool): void {
  plain(from, to, value, cut ? BASE64 : 0);
  hex(from, to, value, 0x61 - 10);
  hex(from, to, value, 0x41 - 10);
  for (let bytesBefore: i32 = 0; bytesBefore < 3; bytesBefore += 1) {
    base64(from, to, value, bytesBefore, 0x2b, 0x2f);
    base64(from, to, value, bytesBefore, 0x2d, 0x5f);
  }
  percent(from, to, value, 0x41 - 10);
  percent(from, to, value, 0x61 - 10);
}

function plain(from: usize, to: usize, value: u32, around: u32): void {
  begin();
  for (let p = from; p < to; p += 2) put(load<u16>(p));
  finish(value, around);
}

function digit(nibble: u32, ten: u32): u32 {
  return nibble + (nibble < 10 ? 0x30 : ten);
}

function hex(from: usize, to: usize, value: u32, ten: u32): void {
  begin();
  for (let p = from; p < to; p += 2) {
    const byte = <u32>load<u16>(p);
    put(digit(byte >> 4, ten));
    put(digit(byte & 15, ten));
  }
  finish(value, HEX);
}

/** As `encodeURIComponent` writes it. */
function percent(from: usize, to: usize, value: u32, ten: u32): void {
  begin();
  for (let p = from; p < to; p += 2) {
    const byte = <u32>load<u16>(p);
    if (isUnreserved(byte)) {
      put(byte);
    } else {
      put(0x25);
      put(digit(byte >> 4, ten));
      put(digit(byte & 15, ten));
    }
  }
  finish(value, 0);
}

function isUnreserved(byte: u32): bool {
  return (
    is(byte, 32) ||
    byte === 0x2d ||
    byte === 0x5f ||
    byte === 0x2e ||
    byte === 0x21 ||
    byte === 0x7e ||
    byte === 0x2a ||
    (byte >= 0x27 && byte <= 0x29)
  );
}

/** The characters that the value alone decides when `bytesBefore` (modulo 3) bytes stand before it (RFC 4648 §4, §5). */
function base64(from: usize, to: usize, value: u32, bytesBefore: i32, c62: u32, c63: u32): void {
  begin();
  let bits: u32 = 0;
  let have: i32 = 0;
  // Bits of the first byte that share a character with what stands before.
  let skip: i32 = bytesBefore === 0 ? 0 : bytesBefore === 1 ? 4 : 2;
  for (let p = from; p < to; p += 2) {
    bits = (bits << 8) | <u32>load<u16>(p);
    have += 8;
    if (skip > 0) {
      have -= skip;
      skip = 0;
    }
    while (have >= 6) {
      have -= 6;
      put(letter((bits >> have) & 63, c62, c63));
    }
    bits &= (1 << have) - 1;
  }
  finish(value, BASE64);
}

function letter(six: u32, c62: u32, c63: u32): u32 {
  if (six < 26) return six + 0x41;
  if (six < 52) return six + 0x61 - 26;
  if (six < 62) return six + 0x30 - 52;
  return six === 62 ? c62 : c63;
}
