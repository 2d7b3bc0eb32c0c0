import { hashOf, spread } from "./hash";
import { KINDS } from "./kinds";

/**
 * The values that this instance has redacted, so that one value has one placeholder. Only hashes are kept.
 * When the table is full, values still get numbers of their own, but a value that comes again gets a new one.
 */
@unmanaged
export class Value {
  hash: u64;
  kind: u32;
  number: u32;
}

const MOST: u32 = 4096;
const SLOTS: usize = 8192;
const VALUES: usize = heap.alloc(<usize>MOST * offsetof<Value>());
const INDEX: usize = memory.data(8192 * 2);
const NUMBERS: usize = memory.data(64 * 4);

let known: u32 = 0;
const spare = changetype<Value>(heap.alloc(offsetof<Value>()));

/** Whether the last `identify` met its value for the first time and keeps it. */
export let isNew: bool = false;

/** The value of a part of the text. The kind under which it came first stays. */
export function identify(from: usize, to: usize, kind: u32): Value {
  const hash = hashOf(from, to);
  let slot = <usize>(spread(hash) >> 32) & (SLOTS - 1);
  while (true) {
    const index = <u32>load<u16>(INDEX + (slot << 1));
    if (index === 0) break;
    const value = at(index - 1);
    if (value.hash === hash) {
      isNew = false;
      return value;
    }
    slot = (slot + 1) & (SLOTS - 1);
  }
  isNew = known < MOST;
  const value = isNew ? at(known) : spare;
  if (isNew) {
    known += 1;
    store<u16>(INDEX + (slot << 1), known);
  }
  value.hash = hash;
  value.kind = kind;
  value.number = next(kind);
  return value;
}

/** A value by its position in the table. */
export function at(index: u32): Value {
  return changetype<Value>(VALUES + <usize>index * offsetof<Value>());
}

/** The position in the table of the value that is new. */
export function newest(): u32 {
  return known - 1;
}

function next(kind: u32): u32 {
  assert(kind < KINDS);
  const number = load<u32>(NUMBERS + (kind << 2)) + 1;
  store<u32>(NUMBERS + (kind << 2), number);
  return number;
}
