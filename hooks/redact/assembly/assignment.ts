import { inCapitals, kindOfName, nameStart } from "./keywords";
import * as kinds from "./kinds";
import { placeholderEnd } from "./placeholder";
import { markedEnd, nestedEnd, stringEnd } from "./quotes";
import {
  APOSTROPHE,
  at,
  BACKSLASH,
  BACKTICK,
  BRACE,
  backslashes,
  CLOSE,
  DOLLAR,
  DOT,
  END_BRACE,
  EQUALS,
  follows,
  GREATER,
  is,
  LESS,
  LETTER,
  LOOSE,
  PAREN,
  QUOTE,
  runAtMost,
  runOf,
  SPACE,
  UNIT,
  units,
  WORD,
} from "./text";
import { hasDigit } from "./tokens";

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
  valueKind = kindOfName(nameEnd);
  if (valueKind === kinds.NONE) return false;
  let v = p + UNIT;
  while (at(v) === EQUALS || at(v) === GREATER) v += UNIT;
  const tight = nameEnd === p && at(v) !== SPACE;
  while (at(v) === SPACE) v += UNIT;

  const opening = backslashes(v);
  const mark = at(opening);
  if (mark === QUOTE) valueEnd = inString ? nested(v, opening) : member(v);
  else if (!inString) valueEnd = 0;
  else if (opening === v && (mark === APOSTROPHE || mark === BACKTICK)) valueEnd = marked(v, mark);
  else valueEnd = loose(v, tight && isEnvironment(nameEnd));
  return valueEnd !== 0 && placeholderEnd(valueStart) !== valueEnd && !isReference(valueStart, valueEnd);
}

/** The value of a member of the payload. */
function member(v: usize): usize {
  if (at(v) !== QUOTE) return 0;
  valueStart = scheme(v + UNIT);
  return longEnough(stringEnd(valueStart));
}

/** A value of JSON in JSON. A quotation mark that is not escaped ends the string instead. */
function nested(v: usize, opening: usize): usize {
  const depth = units(v, opening);
  if ((depth & 1) === 0) return 0;
  valueStart = scheme(opening + UNIT);
  return longEnough(nestedEnd(valueStart, depth));
}

function marked(v: usize, mark: u32): usize {
  valueStart = scheme(v + UNIT);
  return longEnough(markedEnd(valueStart, mark));
}

function longEnough(end: usize): usize {
  return units(valueStart, end) < LEAST_QUOTED ? 0 : end;
}

/** A value without quotation marks must look like a secret, unless it is that of a variable. */
function loose(v: usize, isVariable: bool): usize {
  valueStart = scheme(v);
  const end = runOf(LOOSE, valueStart);
  if (units(valueStart, end) < LEAST_LOOSE || !(isVariable || looksSecret(valueStart, end))) return 0;
  return placeholderEnd(end) !== 0 || isCall(valueStart, end) ? 0 : end;
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

/** It needs a digit; unless it is a password, a letter too. */
function looksSecret(from: usize, to: usize): bool {
  if (valueKind === kinds.AUTHORIZATION || valueKind === kinds.BEARER_TOKEN) return true;
  const end = min(to, from + 64 * UNIT);
  if (!hasDigit(from, end)) return false;
  if (valueKind === kinds.PASSWORD) return true;
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
  if (first === DOLLAR && second === BRACE) return isBraced(from + 2 * UNIT, to - UNIT, "}");
  if (first === BRACE && second === BRACE) return isBraced(from + 2 * UNIT, to - 2 * UNIT, "}}");
  if (first === LESS) return isBraced(from + UNIT, to - UNIT, ">");
  const isVariable = follows(from, "process.env.");
  if (first !== DOLLAR && !isVariable) return false;
  for (let p = from + (isVariable ? 12 * UNIT : UNIT); p < to; ) {
    const inert = placeholderEnd(p);
    if (inert === 0 && !is(at(p), WORD)) return false;
    p = inert === 0 ? p + UNIT : inert;
  }
  return true;
}

/** Whether there is `closing` at `to`, and up to there nothing that would close anything else. */
function isBraced(from: usize, to: usize, closing: string): bool {
  if (to < from || !follows(to, closing)) return false;
  for (let p = from; p < to; p += UNIT) {
    const c = at(p);
    if (c === BRACE || c === END_BRACE || c === LESS || c === GREATER || c === BACKSLASH) return false;
    if (c === QUOTE || c === APOSTROPHE || c === BACKTICK) return false;
  }
  return true;
}
