import { placeholderEnd } from "./placeholder";
import { at, DASH, DIGIT, DOT, is, SPACE, standsAlone, UNIT, WORD, ZERO } from "./text";

const MOST = 19;
const LEAST = 13;
const digits: usize = memory.data(19);
/** Where groups of digits end, and how many digits there are up to there. */
const ends: usize = memory.data(8 * 8);

/**
 * Behind the card number (ISO/IEC 7812) that starts with this digit, or 0: 13 to 19 digits in one piece or in groups of at
 * least three with one kind of separator, of an issuer and a length that exist, with a check digit that is right.
 */
export function cardEnd(p: usize, redacted: usize): usize {
  if (!standsAlone(p, redacted)) return 0;
  // What a redaction replaced does not go on a number.
  const before = p === redacted ? SPACE : at(p - UNIT);
  if (before === DOT && is(at(p - 2 * UNIT), DIGIT)) return 0;
  const groups = read(p);
  for (let i = groups - 1; i >= 0; i -= 1) {
    const count = load<i32>(ends + ((<usize>i) << 3), 4);
    if (count < LEAST) return 0;
    const end = p + <usize>load<i32>(ends + ((<usize>i) << 3));
    const dashed = i > 0 && separator === DASH;
    if (dashed && (before === DASH || at(end) === DASH)) continue;
    if (isBorder(end) && issued(count) && checks(count)) return end;
  }
  return 0;
}

let separator: u32 = 0;

/** Reads digits and the ends of their groups; returns the number of groups. */
function read(p: usize): i32 {
  let q = p;
  let count = 0;
  let groups = 0;
  separator = 0;
  while (groups < 8) {
    const start = q;
    for (; is(at(q), DIGIT); q += UNIT, count += 1) {
      if (count === MOST) return groups;
      store<u8>(digits + count, at(q) - ZERO);
    }
    store<i32>(ends + ((<usize>groups) << 3), <i32>(q - p));
    store<i32>(ends + ((<usize>groups) << 3), count, 4);
    groups += 1;
    const c = at(q);
    if ((c !== SPACE && c !== DASH) || (separator !== 0 && c !== separator) || !is(at(q + UNIT), DIGIT)) return groups;
    if (q - start < 3 * UNIT) return groups;
    separator = c;
    q += UNIT;
  }
  return groups;
}

/** Whether a number may end here: not within a word, a fraction or what another redaction may take away. */
function isBorder(p: usize): bool {
  const c = at(p);
  if (is(c, WORD) || (c === DOT && is(at(p + UNIT), DIGIT))) return false;
  return placeholderEnd(p) === 0;
}

function digit(index: i32): i32 {
  return load<u8>(digits + index);
}

/** Whether there are cards with these first digits and of this length. */
function issued(count: i32): bool {
  const two = digit(0) * 10 + digit(1);
  const four = two * 100 + digit(2) * 10 + digit(3);
  if (digit(0) === 4) return count === 13 || count === 16 || count === 19;
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return count === 16;
  if (two === 34 || two === 37) return count === 15;
  if (two === 35) return count >= 16;
  if (two === 36 || two === 38 || two === 39 || (four >= 3000 && four <= 3059)) return count === 14;
  return two === 50 || (two >= 56 && two <= 69);
}

/** The Luhn check (ISO/IEC 7812-1, annex B). */
function checks(count: i32): bool {
  let sum = 0;
  for (let i = 0; i < count; i += 1) {
    const d = digit(count - 1 - i);
    const twice = d << 1;
    sum += (i & 1) === 0 ? d : twice > 9 ? twice - 9 : twice;
  }
  return sum % 10 === 0;
}
