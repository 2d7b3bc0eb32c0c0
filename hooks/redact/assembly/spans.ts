import { reserve } from "./arena";
import { NONE } from "./kinds";

/** A part of the text that will be replaced by the placeholder of its kind and number. */
@unmanaged
export class Span {
  start: usize;
  end: usize;
  kind: u32;
  number: u32;
}

/** Spans in the order of the text; a list grows while nothing else is reserved. */
@unmanaged
export class Spans {
  first: usize;
  count: i32;

  at(index: i32): Span {
    return changetype<Span>(this.first + <usize>index * offsetof<Span>());
  }

  /** Where the last span ends, or 0. */
  get end(): usize {
    return this.count === 0 ? 0 : this.at(this.count - 1).end;
  }

  begin(): void {
    this.first = reserve(0);
    this.count = 0;
  }

  add(start: usize, end: usize, kind: u32, number: u32): void {
    const span = changetype<Span>(reserve(offsetof<Span>()));
    span.start = start;
    span.end = end;
    span.kind = kind;
    span.number = number;
    this.count += 1;
  }
}

const COUNTS: usize = memory.data(64 * 4);

/** How many spans of a kind there were in the last lists that were counted. */
export function countOf(kind: u32): u32 {
  return load<u32>(COUNTS + (kind << 2));
}

/** Counts the spans of two lists by their kinds; returns how many there are but for the kernel's own. */
export function countKinds(found: Spans, echoes: Spans): i32 {
  memory.fill(COUNTS, 0, 64 * 4);
  return countAll(found) + countAll(echoes);
}

function countAll(spans: Spans): i32 {
  let count = 0;
  for (let i = 0; i < spans.count; i += 1) {
    const kind = spans.at(i).kind;
    if (kind === NONE) continue;
    store<u32>(COUNTS + (kind << 2), countOf(kind) + 1);
    count += 1;
  }
  return count;
}
