/**
 * Patterns over sequences of segments, and which of two contains the other. `**` stands for any number of segments, none included;
 * `*` for any characters within one segment. Everything is decided by structure: `app` has nothing to do with `app-backup` (C8).
 */
export type Pattern = readonly Segment[];
/** `DEEP`, or the texts between the wildcards of one segment: a single one is literal. */
export type Segment = typeof DEEP | readonly string[];

export const DEEP = "**";

/** No path, word or name holds it, so it stands for whatever a wildcard stands for. */
const ANY = "\0";
/** The most looks that one comparison takes; what takes more is not contained. */
const MOST = 20_000;

/** A pattern for exactly these segments and, with `deep`, for all below them. */
export function patternOf(path: readonly string[], deep = false): Pattern {
  const segments: Segment[] = path.map((segment) => [segment]);
  return deep ? [...segments, DEEP] : segments;
}

/**
 * Whether everything that `narrow` stands for is also what `wide` stands for. Exact: a wildcard of `narrow` is followed with a
 * character, or segments, that only a wildcard of `wide` can take up; such a text is the hardest to match of all that it stands for.
 */
export function contains(wide: Pattern, narrow: Pattern): boolean {
  const seen = new Set<string>();
  const open = [{ at: 0, states: closed(wide, [0]) }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { at, states } = next;
    const key = `${at}:${states.join()}`;
    if (seen.has(key)) continue;
    if (states.length === 0 || seen.size === MOST) return false;
    seen.add(key);
    const segment = narrow[at];
    if (segment === undefined) {
      if (!states.includes(wide.length)) return false;
    } else if (segment === DEEP) {
      open.push({ at: at + 1, states }, { at, states: advance(wide, states, ANY) });
    } else open.push({ at: at + 1, states: advance(wide, states, segment.join(ANY)) });
  }
  return true;
}

/** The positions in the pattern that one more segment leads to. */
function advance(pattern: Pattern, states: readonly number[], text: string): readonly number[] {
  const reached = states.flatMap((state) => {
    const segment = pattern[state];
    if (segment === undefined) return [];
    if (segment === DEEP) return [state];
    return segmentMatches(segment, text) ? [state + 1] : [];
  });
  return closed(pattern, reached);
}

/** With those behind every `**`, which may stand for nothing; in order, each once. */
function closed(pattern: Pattern, states: readonly number[]): readonly number[] {
  const all = new Set(states);
  for (const state of all) if (pattern[state] === DEEP) all.add(state + 1);
  return [...all].sort((left, right) => left - right);
}

/** Greedy from the left between a fixed head and a fixed tail: each part is searched once. */
function segmentMatches(parts: readonly string[], text: string): boolean {
  const [head = "", ...rest] = parts;
  const tail = rest.pop();
  if (tail === undefined) return text === head;
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
  const end = text.length - tail.length;
  let position = head.length;
  for (const part of rest) {
    const found = text.indexOf(part, position);
    if (found === -1 || found + part.length > end) return false;
    position = found + part.length;
  }
  return true;
}
