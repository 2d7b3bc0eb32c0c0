import { lineBreakEnd } from "./blocks";
import { any, CROWD, mayEnd, Pattern, patternIn, remember, slotOf, TAIL } from "./echoes";
import { BASE, powerOf } from "./hash";
import * as kinds from "./kinds";
import { Spans } from "./spans";
import {
  at,
  BACKSLASH,
  BASE64,
  EQUALS,
  escapeEnd,
  follows,
  HEX,
  is,
  LETTER,
  QUOTE,
  runOf,
  UNIT,
  URL64,
  units,
} from "./text";
import { hasDigit } from "./tokens";
import { at as valueAt } from "./values";

/** Values are remembered by at most so many of their last characters. */
const MOST: i32 = 96;

/** Remembers a secret that was met for the first time, so that it is found without what gave it away. */
export function learn(from: usize, to: usize, kind: u32, value: u32): void {
  if (kind === kinds.EMAIL || kind === kinds.CARD) return;
  if (kind === kinds.PRIVATE_KEY) {
    learnLines(from, to, value);
    return;
  }
  if (isNamed(kind) && !isDistinctive(from, to)) return;
  const start = lastOf(from, to);
  for (let p = start; p < to; p += UNIT) {
    const c = at(p);
    if (c === BACKSLASH || c === QUOTE || c > 0x7e) return;
  }
  remember(start, to, value, start !== from);
}

/** Whether nothing but its name may have given a value away. */
function isNamed(kind: u32): bool {
  if (kind === kinds.JWT || kind === kinds.PRIVATE_KEY) return false;
  return kind >= kinds.BEARER_TOKEN || kind === kinds.AWS_SECRET_KEY || kind === kinds.AZURE_STORAGE_KEY;
}

function lastOf(from: usize, to: usize): usize {
  return units(from, to) > MOST ? to - ((<usize>MOST) << 1) : from;
}

/** Whether a value whose only mark was its name may be searched for: no word, no digest. */
function isDistinctive(from: usize, to: usize): bool {
  if (units(from, to) < TAIL || !hasDigit(from, to) || follows(from, "sha256:")) return false;
  if (units(from, to) === 64 && runOf(HEX, from) >= to) return false;
  for (let p = from; p < to; p += UNIT) if (is(at(p), LETTER)) return true;
  return false;
}

/** Of a private key, the lines of its body. */
function learnLines(from: usize, to: usize, value: u32): void {
  let lines = 0;
  for (let p = from; p < to && lines < 64; ) {
    const line = lineBreakEnd(p);
    if (line !== p) {
      p = line;
      continue;
    }
    const end = min(runOf(BASE64, p), to);
    if (units(p, end) >= 32) {
      remember(lastOf(p, end), end, value, false);
      lines += 1;
    }
    p = end === p ? p + UNIT : end;
  }
}

/** Hashes of all that was read, before each of the last 512 characters. */
const RING: usize = memory.data(512 * 8, 8);
let hash: u64 = 0;
let read: i32 = 0;

/** The hash of the last `length` characters. */
function lastHash(length: i32): u64 {
  return hash - load<u64>(RING + ((<usize>((read - length) & 511)) << 3)) * powerOf(length);
}

export const echoes = changetype<Spans>(heap.alloc(offsetof<Spans>()));

/** Finds what was remembered, outside of what was found already. One pass; a look-up takes bounded time. */
export function findEchoes(from: usize, to: usize, found: Spans): void {
  echoes.begin();
  if (!any()) return;
  hash = 0;
  read = 0;
  memory.fill(RING, 0, 512 * 8);
  let next = 0;
  let barrier: usize = from;
  let escaped: usize = from;
  let inString = false;
  for (let p = from; p < to; ) {
    if (next < found.count && p >= found.at(next).start) {
      p = barrier = max(p, found.at(next).end);
      next += 1;
      continue;
    }
    const c = at(p);
    if (p >= escaped) {
      if (c === QUOTE) inString = !inString;
      if (c === BACKSLASH) escaped = escapeEnd(p);
    }
    hash = hash * BASE + c;
    read += 1;
    store<u64>(RING + ((<usize>(read & 511)) << 3), hash);
    p += UNIT;
    const tail = lastHash(TAIL);
    if (!inString || !mayEnd(tail)) continue;
    const least = max(barrier, escaped);
    const pattern = longest(tail, units(least, p));
    if (pattern === null) continue;
    const limit = next < found.count ? found.at(next).start : to;
    barrier = echo(pattern, least, p, limit);
    p = barrier;
  }
}

/** The longest pattern that ends here, of at most `room` characters. */
function longest(tail: u64, room: i32): Pattern | null {
  let best: Pattern | null = null;
  const slot = slotOf(tail);
  for (let i = 0; i < CROWD; i += 1) {
    const pattern = patternIn(slot + i);
    if (pattern === null) break;
    if (pattern.tail !== tail || pattern.length > room || lastHash(pattern.length) !== pattern.whole) continue;
    if (best === null || best.length < pattern.length) best = pattern;
  }
  return best;
}

/** Adds an echo that ends at `p`, with what encodes its neighbours. Returns where it ends. */
function echo(pattern: Pattern, least: usize, p: usize, limit: usize): usize {
  let start = p - ((<usize>pattern.length) << 1);
  let end = p;
  if (pattern.around !== 0) {
    const classes = pattern.around === BASE64 ? BASE64 | URL64 : pattern.around;
    while (start > least && is(at(start - UNIT), classes) && at(start - UNIT) !== EQUALS) start -= UNIT;
    while (end < limit && is(at(end), classes)) end += UNIT;
  }
  const value = valueAt(pattern.value);
  echoes.add(start, end, value.kind, value.number);
  return end;
}
