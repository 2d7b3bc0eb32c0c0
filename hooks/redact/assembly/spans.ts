import { reserve } from "./arena";
import { KINDS } from "./kinds";

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

const COUNTS: usize = memory.data(<i32>KINDS * 4);

export function clearCounts(): void {
  memory.fill(COUNTS, 0, (<usize>KINDS) << 2);
}

export function countOf(kind: u32): u32 {
  return load<u32>(COUNTS + (kind << 2));
}

export function count(kind: u32): void {
  store<u32>(COUNTS + (kind << 2), countOf(kind) + 1);
}
