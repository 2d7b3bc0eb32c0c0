/**
 * Patterns over sequences of segments (path segments, argv elements, host labels). They are matched by structure, never as
 * prefixes of strings: `app/**` has nothing to do with `app-backup`.
 *
 * `**` as a whole segment stands for any number of segments, none included. `*` stands for any characters within one segment.
 */
export function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return reach(pattern, segments).has(pattern.length);
}

/** Whether the pattern could match `segments` with more segments after them. */
export function mayMatchBelow(pattern: readonly string[], segments: readonly string[]): boolean {
  return reach(pattern, segments).size > 0;
}

/** The positions in the pattern that are reachable after the segments: linear in pattern × segments, whatever the input. */
function reach(pattern: readonly string[], segments: readonly string[]): ReadonlySet<number> {
  let states = skipStars(pattern, new Set([0]));
  for (const segment of segments) {
    const next = new Set<number>();
    for (const state of states) {
      const part = pattern[state];
      if (part === undefined) continue;
      if (part === "**") next.add(state);
      else if (segmentMatches(part, segment)) next.add(state + 1);
    }
    states = skipStars(pattern, next);
  }
  return states;
}

function skipStars(pattern: readonly string[], states: ReadonlySet<number>): Set<number> {
  const closed = new Set(states);
  for (const state of closed) {
    if (pattern[state] === "**") closed.add(state + 1);
  }
  return closed;
}

/** Greedy from the left between a fixed head and a fixed tail: each part is searched once. */
function segmentMatches(pattern: string, segment: string): boolean {
  const [head = "", ...rest] = pattern.split("*");
  const tail = rest.pop();
  if (tail === undefined) return segment === head;
  if (segment.length < head.length + tail.length || !segment.startsWith(head) || !segment.endsWith(tail)) return false;
  const end = segment.length - tail.length;
  let position = head.length;
  for (const part of rest) {
    const found = segment.indexOf(part, position);
    if (found === -1 || found + part.length > end) return false;
    position = found + part.length;
  }
  return true;
}

/** Characters that show nothing and that some file systems leave out when they compare names (Unicode: Default_Ignorable_Code_Point). */
const IGNORABLE = /\p{Default_Ignorable_Code_Point}/gu;

/**
 * The same text for all spellings that some file system takes for one name: canonical equivalence and full case folding.
 * Denials are compared so, since denying an alias too much harms less than missing one.
 */
export function fold(text: string): string {
  return text.normalize("NFD").replace(IGNORABLE, "").toUpperCase().toLowerCase().normalize("NFC");
}
