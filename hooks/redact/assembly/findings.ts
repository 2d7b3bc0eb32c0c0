import * as kinds from "./kinds";
import { learn } from "./recall";
import { Spans } from "./spans";
import { identify, isNew, newest } from "./values";

/** What is found in one payload, in order. A span of the kind `NONE` is the kernel's and stays as it is. */
export const found = changetype<Spans>(heap.alloc(offsetof<Spans>()));
/** Where the first placeholder is that was there already, or 0. */
export let firstPlaceholder: usize = 0;
/** Where the last redaction ended, and the last escape: nothing that is found may start before. */
export let redacted: usize = 0;
export let escaped: usize = 0;

export function beginFindings(): void {
  found.begin();
  firstPlaceholder = 0;
  redacted = 0;
  escaped = 0;
}

export function keepOut(from: usize, to: usize): void {
  found.add(from, to, kinds.NONE, 0);
}

export function noteEscape(end: usize): void {
  escaped = end;
}

export function notePlaceholder(p: usize): void {
  if (firstPlaceholder === 0) firstPlaceholder = p;
}

/** Replaces `from` to `to`; what identifies the value starts at `essence`. Returns `to`. */
export function redact(from: usize, essence: usize, to: usize, kind: u32): usize {
  const value = identify(essence, to, kind);
  if (isNew) learn(essence, to, kind, newest());
  found.add(from, to, value.kind, value.number);
  redacted = to;
  return to;
}
