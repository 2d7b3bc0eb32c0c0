import { reserve } from "./arena";
import * as kinds from "./kinds";
import { Span, Spans } from "./spans";
import { UNIT, ZERO } from "./text";

/** Text that is being written at the end of the arena. */
let start: usize = 0;
let end: usize = 0;

/** Begins a text of at most so many units. */
export function beginText(most: usize): void {
  start = reserve(most << 1);
  end = start;
}

export function textStart(): usize {
  return start;
}

export function textUnits(): u32 {
  return <u32>((end - start) >> 1);
}

export function copy(from: usize, to: usize): void {
  memory.copy(end, from, to - from);
  end += to - from;
}

export function write(text: string): void {
  const from = changetype<usize>(text);
  copy(from, from + ((<usize>text.length) << 1));
}

export function writeNumber(value: u32): void {
  let divisor: u32 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor > 0; divisor /= 10) {
    store<u16>(end, ZERO + ((value / divisor) % 10));
    end += UNIT;
  }
}

export function writePlaceholder(kind: u32, number: u32): void {
  write("[REDACTED:");
  write(kinds.nameOf(kind));
  write(":");
  writeNumber(number);
  write("]");
}

/** The longest that a placeholder may be, in units. */
const PLACEHOLDER: usize = 48;

/** Writes the text with placeholders in place of two lists of spans, which do not overlap. */
export function writeRedacted(from: usize, to: usize, found: Spans, echoes: Spans): void {
  beginText(((to - from) >> 1) + <usize>(found.count + echoes.count) * PLACEHOLDER);
  let p = from;
  let i = 0;
  let j = 0;
  while (i < found.count || j < echoes.count) {
    const isFound = j >= echoes.count || (i < found.count && found.at(i).start < echoes.at(j).start);
    const span: Span = isFound ? found.at(i) : echoes.at(j);
    if (isFound) i += 1;
    else j += 1;
    if (span.kind === kinds.NONE) continue;
    copy(p, span.start);
    writePlaceholder(span.kind, span.number);
    p = span.end;
  }
  copy(p, to);
}
