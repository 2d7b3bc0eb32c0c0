import { blockEnd } from "./blocks";
import * as kinds from "./kinds";
import { inCapitals, kindOfName, nameStart } from "./keywords";
import { placeholderEnd } from "./placeholder";
import { hasDigit, tokenAt } from "./tokens";
import {
  APOSTROPHE, at, BACKSLASH, backslashes, BACKTICK, BEARER, BRACE, CLOSE, COLON, DOLLAR, DOT, END_BRACE, EQUALS, escape, follows,
  GREATER, is, LESS, LETTER, LOOSE, PAREN, QUOTE, runAtMost, runOf, SPACE, UNIT, units, WORD,
} from "./text";

/** What `assigned` found: a value and the kind that its name says. */
export let valueStart: usize = 0;
export let valueEnd: usize = 0;
export let valueKind: u32 = 0;

const LEAST_QUOTED = 4;
const LEAST_LOOSE = 6;

/**
 * Whether a value worth hiding is assigned at this `:` or `=`: `password = …`, `"api_key": "…"`, at any depth of JSON in JSON.
 * `inString` is false between the members of the payload itself, where only strings are values that can be replaced.
 */
export function assigned(p: usize, inString: bool): bool {
  const nameEnd = endOfName(p);
  const kind = kindOfName(nameEnd);
  if (kind === kinds.NONE) return false;
  let v = p + UNIT;
  while (at(v) === EQUALS || at(v) === GREATER) v += UNIT;
  const tight = nameEnd === p && at(v) !== SPACE;
  while (at(v) === SPACE) v += UNIT;

  const opening = backslashes(v);
  const mark = at(opening);
  let end: usize = 0;
  valueKind = kind;
  if (mark === QUOTE) {
    // Within a string a quotation mark is escaped; one that is not ends the string.
    if (inString ? (units(v, opening) & 1) === 0 : opening !== v) return false;
    valueStart = scheme(opening + UNIT);
    end = inString ? quotedEnd(valueStart, units(v, opening)) : stringEnd(valueStart);
    if (end === 0 || units(valueStart, end) < LEAST_QUOTED) return false;
  } else if (!inString) {
    return false;
  } else if (opening === v && (mark === APOSTROPHE || mark === BACKTICK)) {
    valueStart = scheme(v + UNIT);
    end = markedEnd(valueStart, mark);
    if (end === 0 || units(valueStart, end) < LEAST_QUOTED) return false;
  } else {
    valueStart = scheme(v);
    end = runOf(LOOSE, valueStart);
    if (!looksSecret(valueStart, end, kind) && !(tight && isEnvironment(nameEnd) && units(valueStart, end) >= LEAST_LOOSE)) return false;
    if (placeholderEnd(end) !== 0 || isCall(valueStart, end)) return false;
  }
  valueEnd = end;
  return placeholderEnd(valueStart) !== end && !isReference(valueStart, end);
}

/** Behind the name left of a separator: spaces, a bracket and a quotation mark may stand between. */
function endOfName(p: usize): usize {
  let q = p;
  while (at(q - UNIT) === SPACE) q -= UNIT;
  if (at(q - UNIT) === CLOSE) q -= UNIT;
  const mark = at(q - UNIT);
  if (mark === APOSTROPHE || mark === BACKTICK) return q - UNIT;
  if (mark !== QUOTE) return q;
  q -= UNIT;
  while (at(q - UNIT) === BACKSLASH) q -= UNIT;
  return q;
}

/** `Bearer `, `Basic `: the scheme before the credentials stays in the text. */
function scheme(p: usize): usize {
  if (valueKind !== kinds.AUTHORIZATION) return p;
  const end = runAtMost(LETTER, p, 20);
  if (end === p || at(end) !== SPACE) return p;
  if (follows(p + UNIT, "earer ")) valueKind = kinds.BEARER_TOKEN;
  return end + UNIT;
}

/** Behind the last character of the string of the payload that starts here. */
function stringEnd(p: usize): usize {
  let q = p;
  while (at(q) !== QUOTE) q = at(q) === BACKSLASH ? escape(q) : q + UNIT;
  return q;
}

/**
 * Behind the value within quotation marks that are escaped by `depth` backslashes (one less than a power of two). A value
 * that is cut off ends where the text around it does; 0 when a line break of that text comes first.
 */
function quotedEnd(p: usize, depth: i32): usize {
  const period = 2 * (depth + 1);
  let q = p;
  while (true) {
    const c = at(q);
    if (c === QUOTE) return q;
    if (c !== BACKSLASH) {
      q = behind(q);
      continue;
    }
    const next = backslashes(q);
    const run = units(q, next);
    const mark = at(next);
    if (mark === QUOTE) {
      if ((run & 1) === 0) return next;
      if (run < depth) return q;
      if (run % period === depth) return next - (<usize>depth << 1);
      q = next + UNIT;
    } else if ((mark === 0x6e || mark === 0x72) && run <= depth) {
      q = tokenBehind(q, next);
      if (q === 0) return 0;
    } else {
      q = (run & 1) === 0 ? next : next + UNIT;
    }
  }
}

/** Behind this character; or behind a secret of several lines, so that a value around one is one line without it too. */
function behind(p: usize): usize {
  const block = blockEnd(p);
  return block === 0 ? p + UNIT : block;
}

/** Backslashes and a letter are no line break when a token starts with the letter: behind the token, otherwise 0. */
function tokenBehind(backslash: usize, letter: usize): usize {
  return (units(backslash, letter) & 1) === 0 ? tokenAt(letter, 0) : 0;
}

/** Behind the value within single quotes or backticks, on one line; 0 if there is none. */
function markedEnd(p: usize, mark: u32): usize {
  let q = p;
  while (true) {
    const c = at(q);
    if (c === mark || c === QUOTE) return q;
    if (c !== BACKSLASH) {
      q = behind(q);
      continue;
    }
    const next = backslashes(q);
    const run = units(q, next);
    const escaped = at(next);
    if ((run & 1) === 0 && escaped === QUOTE) return next;
    if (escaped === 0x6e || escaped === 0x72) {
      q = tokenBehind(q, next);
      if (q === 0) return 0;
    } else {
      q = (run & 1) === 0 && escaped !== mark ? next : next + UNIT;
    }
  }
}

/** A value without quotes needs a digit; unless it is a password, a letter too. */
function looksSecret(from: usize, to: usize, kind: u32): bool {
  if (units(from, to) < LEAST_LOOSE) return false;
  if (kind === kinds.AUTHORIZATION || kind === kinds.BEARER_TOKEN) return true;
  const end = min(to, from + 64 * UNIT);
  if (!hasDigit(from, end)) return false;
  if (kind === kinds.PASSWORD) return true;
  for (let p = from; p < end; p += UNIT) if (is(at(p), LETTER)) return true;
  return false;
}

/** Whether the name is written in capitals or begins a line, as in a file of variables. */
function isEnvironment(nameEnd: usize): bool {
  const start = nameStart(nameEnd);
  if (inCapitals(start, nameEnd)) return true;
  const before = at(start - UNIT);
  return before === QUOTE || ((before === 0x6e || before === 0x72) && at(start - 2 * UNIT) === BACKSLASH);
}

/** `readToken(…)` is code. */
function isCall(from: usize, to: usize): bool {
  if (at(to) !== PAREN) return false;
  for (let p = from; p < to; p += UNIT) if (!is(at(p), WORD) && at(p) !== DOT) return false;
  return true;
}

/** `${NAME}`, `{{ name }}`, `<your token>`, `$NAME`, `process.env.NAME` say where a secret is and are none. */
export function isReference(from: usize, to: usize): bool {
  const first = at(from);
  const second = at(from + UNIT);
  const last = at(to - UNIT);
  if (first === DOLLAR && second === BRACE) return last === END_BRACE;
  if (first === BRACE && second === BRACE) return last === END_BRACE && at(to - 2 * UNIT) === END_BRACE;
  if (first === LESS) return last === GREATER;
  if (follows(from, "process.env.")) return true;
  if (first !== DOLLAR) return false;
  for (let p = from + UNIT; p < to; ) {
    const inert = placeholderEnd(p);
    if (inert === 0 && !is(at(p), WORD)) return false;
    p = inert === 0 ? p + UNIT : inert;
  }
  return true;
}
