import { type Lines, partsOf } from "./lines.ts";

/** A stretch of a three-way merge: who has it how. In `same`, `run` and `now` are `base`; in `both` they are each other. */
export interface Stretch {
  readonly kind: "same" | "run" | "now" | "both" | "conflict";
  /** Lines of the base before this stretch. */
  readonly at: number;
  readonly base: Lines;
  readonly run: Lines;
  readonly now: Lines;
}

/** One side's replacement of lines of the base. */
interface Edit {
  readonly side: "run" | "now";
  /** In the base: first line, and the one behind the last. */
  readonly start: number;
  readonly end: number;
  readonly lines: Lines;
}

/**
 * The three-way merge of diff3 (Khanna, Kunal and Pierce, "A Formal Investigation of Diff3"): where only one side has changed
 * the base, or both alike, that is the merge; where both have changed the same lines, or lines that touch, it is a conflict.
 * Each side's stretches put together are that side's text.
 */
export function merged(base: Lines, run: Lines, now: Lines): readonly Stretch[] {
  const edits = [...editsOf(base, run, "run"), ...editsOf(base, now, "now")].sort(
    (left, right) => left.start - right.start || left.end - right.end,
  );
  const stretches: Stretch[] = [];
  let at = 0;
  for (let index = 0; index < edits.length; ) {
    const group = groupFrom(edits, index);
    index += group.length;
    const start = Math.min(...group.map((edit) => edit.start));
    const end = Math.max(...group.map((edit) => edit.end));
    if (start > at) stretches.push(unchanged(base, at, start));
    stretches.push(changed(base, group, { start, end }));
    at = end;
  }
  if (at < base.length) stretches.push(unchanged(base, at, base.length));
  return stretches;
}

function editsOf(base: Lines, side: Lines, name: Edit["side"]): readonly Edit[] {
  const edits: Edit[] = [];
  let at = 0;
  for (const part of partsOf(base, side)) {
    if (!part.same) edits.push({ side: name, start: at, end: at + part.old.length, lines: part.now });
    at += part.old.length;
  }
  return edits;
}

/** Edits that overlap or touch, from one on. */
function groupFrom(edits: readonly Edit[], from: number): readonly Edit[] {
  const group: Edit[] = [];
  let end = -1;
  for (let index = from; index < edits.length; index++) {
    const edit = edits[index];
    if (edit === undefined || (group.length > 0 && edit.start > end)) break;
    group.push(edit);
    end = Math.max(end, edit.end);
  }
  return group;
}

function unchanged(base: Lines, start: number, end: number): Stretch {
  const lines = base.slice(start, end);
  return { kind: "same", at: start, base: lines, run: lines, now: lines };
}

function changed(
  base: Lines,
  group: readonly Edit[],
  { start, end }: { readonly start: number; readonly end: number },
): Stretch {
  const run = applied(base, group, { side: "run", start, end });
  const now = applied(base, group, { side: "now", start, end });
  const sides = new Set(group.map(({ side }) => side));
  const alike = run.length === now.length && run.every((line, index) => line === now[index]);
  const [only] = sides;
  const kind = sides.size === 1 && only !== undefined ? only : alike ? "both" : "conflict";
  return { kind, at: start, base: base.slice(start, end), run, now };
}

/** What one side has in place of a stretch of the base. */
function applied(
  base: Lines,
  group: readonly Edit[],
  { side, start, end }: { readonly side: Edit["side"]; readonly start: number; readonly end: number },
): Lines {
  let lines: Lines = [];
  let at = start;
  for (const edit of group) {
    if (edit.side !== side) continue;
    lines = [...lines, ...base.slice(at, edit.start), ...edit.lines];
    at = edit.end;
  }
  return [...lines, ...base.slice(at, end)];
}
