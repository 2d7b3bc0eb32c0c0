import { diffArrays } from "diff";

/**
 * Lines of a file, each with its line feed but perhaps the last, one character a byte (ISO 8859-1), so that what is cut into
 * lines and written again is the same to the byte, whatever the bytes mean.
 */
export type Lines = readonly string[];

/** Changes between two texts are searched for up to this many lines that differ; beyond it, everything between counts as replaced. */
const EFFORT = 2_000;

export function linesOf(bytes: Uint8Array): Lines {
  const text = Buffer.from(bytes).toString("latin1");
  return text === "" ? [] : text.split(/(?<=\n)/);
}

/** Whether to show bytes as lines: as git decides, by a NUL, though anywhere and not only in the first 8,000. */
export function isBinary(bytes: Uint8Array): boolean {
  return bytes.includes(0);
}

/** A part of two texts: the same in both, or what stands in one in place of what stands in the other. Either may be empty. */
export interface Part {
  readonly same: boolean;
  readonly old: Lines;
  readonly now: Lines;
}

/** Two texts as parts, alternately the same and different, which put together are the texts. */
export function partsOf(old: Lines, now: Lines): readonly Part[] {
  const start = commonLength(old, now, (lines, index) => lines[index]);
  const rest = Math.min(old.length, now.length) - start;
  const end = Math.min(
    rest,
    commonLength(old, now, (lines, index) => lines[lines.length - 1 - index]),
  );
  const middle = differing(old.slice(start, old.length - end), now.slice(start, now.length - end));
  const head = same(old.slice(0, start));
  return joined([head, ...middle, same(old.slice(old.length - end))]);
}

function commonLength(old: Lines, now: Lines, at: (lines: Lines, index: number) => string | undefined): number {
  const most = Math.min(old.length, now.length);
  let count = 0;
  while (count < most && at(old, count) === at(now, count)) count++;
  return count;
}

function differing(old: Lines, now: Lines): readonly Part[] {
  if (old.length === 0 || now.length === 0) return [{ same: false, old, now }];
  const found = diffArrays([...old], [...now], { maxEditLength: EFFORT });
  if (found === undefined) return [{ same: false, old, now }];
  return found.map(({ added, removed, value }) => {
    if (!added && !removed) return same(value);
    return { same: false, old: removed ? value : [], now: added ? value : [] };
  });
}

function same(lines: Lines): Part {
  return { same: true, old: lines, now: lines };
}

function joined(parts: readonly Part[]): readonly Part[] {
  const result: Part[] = [];
  for (const part of parts) {
    if (part.old.length + part.now.length === 0) continue;
    const last = result.at(-1);
    if (last?.same !== part.same) result.push(part);
    else result[result.length - 1] = { ...last, old: [...last.old, ...part.old], now: [...last.now, ...part.now] };
  }
  return result;
}
