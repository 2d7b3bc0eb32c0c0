import { ALNUM_DASH, at, CLOSE, COLON, DIGIT, follows, runAtMost, UNIT } from "./text";

/** Behind the placeholder that starts here (`[REDACTED:<kind>:<number>]`), or 0. */
export function placeholderEnd(p: usize): usize {
  if (!follows(p, "[REDACTED:")) return 0;
  const kind = p + 10 * UNIT;
  const number = runAtMost(ALNUM_DASH, kind, 32);
  if (number === kind || at(number) !== COLON) return 0;
  const end = runAtMost(DIGIT, number + UNIT, 10);
  return end === number + UNIT || at(end) !== CLOSE ? 0 : end + UNIT;
}
