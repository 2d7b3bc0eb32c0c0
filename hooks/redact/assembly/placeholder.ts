import { KINDS, nameOf } from "./kinds";
import { at, CLOSE, COLON, DIGIT, follows, runAtMost, UNIT } from "./text";

/**
 * Behind the placeholder that starts here (`[REDACTED:<kind>:<number>]`), or 0. Only kinds that there are make one: what
 * stands in a placeholder is not looked at any more.
 */
export function placeholderEnd(p: usize): usize {
  if (!follows(p, "[REDACTED:")) return 0;
  const kind = p + 10 * UNIT;
  for (let i: u32 = 0; i < KINDS; i += 1) {
    const name = nameOf(i);
    const colon = kind + ((<usize>name.length) << 1);
    if (!follows(kind, name) || at(colon) !== COLON) continue;
    const end = runAtMost(DIGIT, colon + UNIT, 10);
    return end === colon + UNIT || at(end) !== CLOSE ? 0 : end + UNIT;
  }
  return 0;
}
