import { detect } from "./detect";
import { beginFindings, keepOut, noteEscape } from "./findings";
import { stringEnd } from "./quotes";
import { END, ESCAPE, SEPARATOR, startAt } from "./starts";
import { at, BRACE, CLOSE, COLON, COMMA, END_BRACE, escapeEnd, follows, OPEN, QUOTE, UNIT } from "./text";

/**
 * Finds secrets in the strings of a JSON value, names of members included, in one pass. Of a payload as a whole, the members
 * that the kernel wrote itself are left alone: names and digests would not fit their schema any more.
 */
export function scan(from: usize, to: usize, isPayload: bool): void {
  beginFindings();
  let depth = 0;
  let name: usize = from;
  for (let p = from; p < to; ) {
    const c = at(p);
    if (c === QUOTE) {
      name = p;
      p = scanString(p + UNIT, to);
    } else if (c === COLON && isPayload && depth === 1 && isKernels(name)) {
      const end = valueEnd(p + UNIT);
      keepOut(p, end);
      p = end;
    } else if (c === COLON) {
      const end = detect(SEPARATOR, p, false);
      // What is redacted here is all of a string, up to its closing quotation mark.
      p = end === p + UNIT ? end : end + UNIT;
    } else {
      if (c === BRACE || c === OPEN) depth += 1;
      if (c === END_BRACE || c === CLOSE) depth -= 1;
      p += UNIT;
    }
  }
}

function isKernels(name: usize): bool {
  return follows(name, '"agent"') || follows(name, '"model"') || follows(name, '"child"');
}

/** Scans a string from behind its opening quotation mark; returns the position behind the closing one. */
function scanString(from: usize, to: usize): usize {
  let p = from;
  while (p < to) {
    const code = startAt(p);
    if (code === 0) {
      p += UNIT;
    } else if (code === END) {
      return p + UNIT;
    } else if (code === ESCAPE) {
      p = escapeEnd(p);
      noteEscape(p);
    } else {
      p = detect(code, p, true);
    }
  }
  return p;
}

/** The value of a member of the object that starts here, or 0. */
export function member(object: usize, name: string): usize {
  let p = object + UNIT;
  while (at(p) === QUOTE) {
    const colon = behindString(p);
    if (follows(p, name)) return colon + UNIT;
    p = valueEnd(colon + UNIT) + UNIT;
  }
  return 0;
}

/** Behind the string whose opening quotation mark is here. */
function behindString(p: usize): usize {
  return stringEnd(p + UNIT) + UNIT;
}

/** Behind the JSON value, or the name of a member, that starts here. */
export function valueEnd(p: usize): usize {
  let q = p;
  let depth = 0;
  do {
    const c = at(q);
    if (c === BRACE || c === OPEN) depth += 1;
    if (c === END_BRACE || c === CLOSE) depth -= 1;
    q = c === QUOTE ? behindString(q) : q + UNIT;
  } while (depth > 0 || !isDelimiter(at(q)));
  return q;
}

function isDelimiter(c: u32): bool {
  return c === COMMA || c === COLON || c === END_BRACE || c === CLOSE;
}
