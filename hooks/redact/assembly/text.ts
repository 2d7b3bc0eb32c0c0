/**
 * The text of a payload: UTF-16 in linear memory. A position is the address of a unit.
 * The text is JSON, so it always ends behind a closing quote or bracket: looking ahead stops there.
 */

export const UNIT: usize = 2;

export const TAB: u32 = 0x09;
export const SPACE: u32 = 0x20;
export const QUOTE: u32 = 0x22;
export const DOLLAR: u32 = 0x24;
export const APOSTROPHE: u32 = 0x27;
export const PAREN: u32 = 0x28;
export const COMMA: u32 = 0x2c;
export const DASH: u32 = 0x2d;
export const DOT: u32 = 0x2e;
export const SLASH: u32 = 0x2f;
export const ZERO: u32 = 0x30;
export const NINE: u32 = 0x39;
export const COLON: u32 = 0x3a;
export const LESS: u32 = 0x3c;
export const EQUALS: u32 = 0x3d;
export const GREATER: u32 = 0x3e;
export const AT: u32 = 0x40;
export const OPEN: u32 = 0x5b;
export const BACKSLASH: u32 = 0x5c;
export const CLOSE: u32 = 0x5d;
export const UNDERSCORE: u32 = 0x5f;
export const BACKTICK: u32 = 0x60;
export const BRACE: u32 = 0x7b;
export const PIPE: u32 = 0x7c;
export const END_BRACE: u32 = 0x7d;

/** Classes of ASCII characters, as bits. */
export const DIGIT: u32 = 1;
export const LETTER: u32 = 2;
export const UPPER: u32 = 4;
export const HEX: u32 = 8;
/** `[A-Z0-9]`, `[A-Za-z0-9]`, `[A-Za-z0-9_]`, `[A-Za-z0-9_-]` */
export const UPPER_DIGIT: u32 = 16;
export const ALNUM: u32 = 32;
export const WORD: u32 = 64;
export const URL64: u32 = 128;
/** `[A-Za-z0-9+/=]` and what a bearer token may be made of (RFC 6750 §2.1). */
export const BASE64: u32 = 256;
export const BEARER: u32 = 512;
/** The name of a variable or member: `[A-Za-z0-9_.-]` */
export const NAME: u32 = 1024;
/** A value without quotes. */
export const LOOSE: u32 = 2048;
/** Left of the `@` in an e-mail address. */
export const LOCAL: u32 = 4096;
/** User name or password in a URL. */
export const USERINFO: u32 = 8192;
/** Base64 of which some is percent-encoded. */
export const PERCENT64: u32 = 16384;
/** `[A-Za-z0-9-]`, `[A-Za-z0-9_.-]`, `[A-Za-z0-9/]` */
export const ALNUM_DASH: u32 = 32768;
export const DOTTED: u32 = 65536;
export const ALNUM_SLASH: u32 = 131072;
/** The label of a PEM block: `[A-Z0-9 ]` */
export const LABEL: u32 = 262144;

const CLASSES: usize = memory.data(128 * 4);

function define(classes: u32, from: u32, to: u32): void {
  for (let c = from; c <= to; c += 1) store<u32>(CLASSES + (c << 2), load<u32>(CLASSES + (c << 2)) | classes);
}

function defineEach(classes: u32, characters: string): void {
  for (let i = 0; i < characters.length; i += 1) {
    const c = characters.charCodeAt(i);
    define(classes, c, c);
  }
}

const ALPHANUMERIC: u32 =
  ALNUM | WORD | URL64 | BASE64 | BEARER | NAME | LOOSE | LOCAL | PERCENT64 | ALNUM_DASH | DOTTED | ALNUM_SLASH;
define(ALPHANUMERIC | DIGIT | UPPER_DIGIT | LABEL | HEX, 0x30, 0x39);
define(ALPHANUMERIC | LETTER | UPPER | UPPER_DIGIT | LABEL, 0x41, 0x5a);
define(ALPHANUMERIC | LETTER, 0x61, 0x7a);
define(HEX, 0x61, 0x66);
define(LABEL, SPACE, SPACE);
defineEach(WORD, "_");
defineEach(URL64, "_-");
defineEach(BASE64, "+/=");
defineEach(BEARER, "._~+/=-");
defineEach(NAME | DOTTED, "_.-");
defineEach(LOOSE, "_.~!@#$%^*+/=?:-");
defineEach(LOCAL, "._%+-");
defineEach(PERCENT64, "%+/=_-");
defineEach(ALNUM_DASH, "-");
defineEach(ALNUM_SLASH, "/");
define(USERINFO, 0x21, 0x7e);

/** The unit at a position. */
export function at(p: usize): u32 {
  return load<u16>(p);
}

/** Whether the character is in one of the classes. */
export function is(c: u32, classes: u32): bool {
  return c < 128 && (load<u32>(CLASSES + (c << 2)) & classes) !== 0;
}

/** Whether the character may stand in the user name or password of a URL. */
export function isUserinfo(c: u32): bool {
  return (
    is(c, USERINFO) &&
    c !== QUOTE &&
    c !== APOSTROPHE &&
    c !== BACKTICK &&
    c !== BACKSLASH &&
    c !== SLASH &&
    c !== 0x3f &&
    c !== 0x23 &&
    c !== LESS &&
    c !== GREATER
  );
}

/** Behind the longest run of characters of a class. */
export function runOf(classes: u32, p: usize): usize {
  let q = p;
  while (is(at(q), classes)) q += UNIT;
  return q;
}

/** As `runOf`, with at most `most` characters. */
export function runAtMost(classes: u32, p: usize, most: i32): usize {
  const limit = p + ((<usize>most) << 1);
  let q = p;
  while (q < limit && is(at(q), classes)) q += UNIT;
  return q;
}

/** How many units there are between two positions. */
export function units(from: usize, to: usize): i32 {
  return <i32>((to - from) >> 1);
}

/** Whether the text goes on with a literal. */
export function follows(p: usize, literal: string): bool {
  const start = changetype<usize>(literal);
  const size = (<usize>literal.length) << 1;
  for (let i: usize = 0; i < size; i += UNIT) {
    if (load<u16>(p + i) !== load<u16>(start + i)) return false;
  }
  return true;
}

/** Behind the backslashes that start here. */
export function backslashes(p: usize): usize {
  let q = p;
  while (at(q) === BACKSLASH) q += UNIT;
  return q;
}

/** Behind the JSON escape that starts here. */
export function escapeEnd(p: usize): usize {
  return p + (at(p + UNIT) === 0x75 ? 12 : 4);
}

/**
 * Whether what starts here stands on its own: not behind a letter, digit or underscore, unless that belongs to an escape
 * (`\n`, at any depth of JSON in JSON). `redacted` is where the last redaction ended: what it replaced is a border too.
 */
export function standsAlone(p: usize, redacted: usize): bool {
  const before = at(p - UNIT);
  if (p === redacted || !is(before, WORD)) return true;
  if (at(p - 2 * UNIT) === BACKSLASH) {
    return before === 0x6e || before === 0x74 || before === 0x72 || before === 0x62 || before === 0x66;
  }
  return at(p - 6 * UNIT) === BACKSLASH && at(p - 5 * UNIT) === 0x75;
}
