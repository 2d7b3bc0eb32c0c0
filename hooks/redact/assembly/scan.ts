import { detect } from "./detect";
import { beginFindings, keepOut, noteEscape } from "./findings";
import { END, ESCAPE, SEPARATOR, startAt } from "./starts";
import { at, BACKSLASH, BRACE, CLOSE, COLON, END_BRACE, escapeEnd, follows, OPEN, QUOTE, UNIT } from "./text";

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
    const colon = stringEnd(p);
    if (follows(p, name)) return colon + UNIT;
    p = valueEnd(colon + UNIT) + UNIT;
  }
  return 0;
}

/** Behind the string whose opening quotation mark is here. */
function stringEnd(p: usize): usize {
  let q = p + UNIT;
  while (at(q) !== QUOTE) q = at(q) === BACKSLASH ? escapeEnd(q) : q + UNIT;
  return q + UNIT;
}

/** Behind the JSON value that starts here. */
export function valueEnd(p: usize): usize {
  let depth = 0;
  let q = p;
  while (true) {
    const c = at(q);
    if (c === QUOTE) {
      q = stringEnd(q);
      if (depth === 0) return q;
      continue;
    }
    if (c === BRACE || c === OPEN) depth += 1;
    if (c === END_BRACE || c === CLOSE) depth -= 1;
    const isEnd = depth <= 0 && (c === END_BRACE || c === CLOSE);
    if (depth < 0) return q;
    q += UNIT;
    if (isEnd) return q;
    if (depth === 0 && at(q) === 0x2c) return q;
  }
}
