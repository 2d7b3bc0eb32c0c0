import { blockEnd } from "./blocks";
import { at, BACKSLASH, backslashes, escapeEnd, QUOTE, UNIT, units } from "./text";
import { tokenAt } from "./tokens";

/** At the closing quotation mark of the string of the payload that goes on here. */
export function stringEnd(p: usize): usize {
  let q = p;
  while (at(q) !== QUOTE) q = at(q) === BACKSLASH ? escapeEnd(q) : q + UNIT;
  return q;
}

/**
 * Behind the value within quotation marks that are escaped by `depth` backslashes (one less than a power of two). A value
 * that is not closed ends with the line or with the text around it.
 */
export function nestedEnd(p: usize, depth: i32): usize {
  const period = 2 * (depth + 1);
  let q = p;
  while (true) {
    q = plainEnd(q, QUOTE);
    if (at(q) === QUOTE) return q;
    const sign = backslashes(q);
    const run = units(q, sign);
    if (at(sign) === QUOTE) {
      if ((run & 1) === 0) return sign;
      if (run < depth) return q;
      if (run % period === depth) return sign - ((<usize>depth) << 1);
      q = sign + UNIT;
    } else if (isBreak(at(sign)) && run <= depth) {
      const token = tokenBehind(q, sign);
      if (token === 0) return q;
      q = token;
    } else {
      q = (run & 1) === 0 ? sign : sign + UNIT;
    }
  }
}

/** Behind the value within single quotes or backticks; it ends with the line at the latest. */
export function markedEnd(p: usize, mark: u32): usize {
  let q = p;
  while (true) {
    q = plainEnd(q, mark);
    if (at(q) !== BACKSLASH) return q;
    const sign = backslashes(q);
    const isEven = (units(q, sign) & 1) === 0;
    if (at(sign) === QUOTE && isEven) return sign;
    if (isBreak(at(sign))) {
      const token = tokenBehind(q, sign);
      if (token === 0) return q;
      q = token;
    } else {
      q = isEven && at(sign) !== mark ? sign : sign + UNIT;
    }
  }
}

/**
 * At the next quotation mark, `mark` or backslash. Secrets of several lines are left out, so that a value around one is
 * a value of one line, with it and with its placeholder.
 */
function plainEnd(p: usize, mark: u32): usize {
  let q = p;
  while (true) {
    const c = at(q);
    if (c === QUOTE || c === mark || c === BACKSLASH) return q;
    const block = blockEnd(q);
    q = block === 0 ? q + UNIT : block;
  }
}

/** Backslashes and a letter are no line break when a token starts with the letter: behind the token, otherwise 0. */
function tokenBehind(backslash: usize, letter: usize): usize {
  return (units(backslash, letter) & 1) === 0 ? tokenAt(letter, 0) : 0;
}

/** Whether a letter behind backslashes stands for a line break. */
function isBreak(letter: u32): bool {
  return letter === 0x6e || letter === 0x72;
}
