import fc from "fast-check";
import type { Capability } from "../../../src/capability/lease/capability.ts";
import { DEEP, type Pattern, type Segment } from "../../../src/capability/lease/pattern.ts";
import { printCapability, readCapability } from "../../../src/capability/lease/uri.ts";
import type { Need } from "../../../src/model/lease.ts";

/** Few characters, so that patterns meet. */
const TEXTS = ["a", "b", "ab", "ba", "a*", "é/%"] as const;
const literal = fc.constantFrom(...TEXTS).map((text): Segment => [text]);
const glob = fc.constantFrom<Segment>(["", ""], ["a", ""], ["", "b"], ["a", "b"], ["", "a", ""]);
const segment = fc.oneof({ weight: 4, arbitrary: literal }, { weight: 2, arbitrary: glob }, fc.constant<Segment>(DEEP));
const path = fc.array(segment, { minLength: 1, maxLength: 5 });

const number = fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined, freq: 1 });

/** Command lines, since their words may be anything. Read from their text, so that they are in canonical form. */
export const arbitraryCapability: fc.Arbitrary<Capability> = fc
  .record({
    path,
    allow: fc.option(fc.array(path, { minLength: 1, maxLength: 3 }), { nil: undefined }),
    uses: number,
    bytes: number,
    expires: number,
    timeout: number,
    rate: fc.option(fc.record({ count: fc.integer({ min: 1, max: 9 }), ms: fc.integer({ min: 1, max: 9 }) }), {
      nil: undefined,
    }),
  })
  .map((parts) => ({ resource: "process", actions: ["run"], ...defined(parts) }) as Capability)
  .map((capability) => readCapability(printCapability(capability)))
  .filter((read): read is Capability => !("wrong" in read));

function defined<T extends object>(parts: T): Partial<T> {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Something like it that is often, not always, within it. */
export function arbitraryNarrowing(capability: Capability, pick: number): Capability {
  const shrink = (value: number | undefined, by: number) => (value === undefined ? by + 1 : Math.max(1, value - by));
  const { path, allow, rate } = capability;
  const changed: Capability = {
    ...capability,
    path: path.flatMap((segment, index) => replaced(segment, pick + index)),
    ...(pick % 7 === 0 || allow === undefined ? {} : { allow: allow.slice(0, 1 + (pick % 3)) }),
    uses: shrink(capability.uses, pick % 3),
    expires: shrink(capability.expires, pick % 2),
    ...(rate === undefined ? {} : { rate: { count: Math.max(1, rate.count - (pick % 3)), ms: rate.ms + (pick % 4) } }),
  };
  const read = readCapability(printCapability(changed));
  return "wrong" in read ? capability : read;
}

function replaced(segment: Segment, pick: number): readonly Segment[] {
  if (segment === DEEP)
    return [[DEEP], [], [["a"]], [["a"], ["b", ""]], [DEEP, ["ab"]]][pick % 5] as readonly Segment[];
  if (segment.length > 1) return [[segment.join(pick % 2 === 0 ? "" : "ba")]];
  return [segment];
}

/** Capabilities whose path is one of all short patterns of two segments. */
export function patternsNear(capability: Capability): readonly Capability[] {
  const pieces: readonly Segment[] = [["a"], ["ab"], ["a", ""], ["", ""], DEEP];
  return pieces.flatMap((first) =>
    pieces.flatMap((second) => {
      const read = readCapability(printCapability({ ...capability, path: [first, second] }));
      return "wrong" in read ? [] : [read];
    }),
  );
}

/** Command lines in and around a capability: instances of its patterns, and all short ones. */
export function needsOf({ path, allow = [] }: Capability, pick: number): readonly Need[] {
  const words = ["a", "b", "ab", "ba", "aab", "*", "a*", "é/%"];
  const short = [[], ...words.map((one) => [one]), ...words.flatMap((one) => words.map((two) => [one, two]))];
  const instances = [path, ...allow].flatMap((pattern) => [0, 1, 2].map((more) => instance(pattern, pick + more)));
  return [...short, ...instances].map((path) => ({ resource: "process", action: "run", path, deep: false }));
}

function instance(pattern: Pattern, pick: number): readonly string[] {
  return pattern.flatMap((segment, index) => {
    if (segment === DEEP) return ["b", "a", "ba"].slice(0, (pick + index) % 4);
    return [segment.join(["", "a", "ba"][(pick + index) % 3])];
  });
}

/** The meaning of a capability, as slow and plain as it can be said. */
export function naiveCovers({ path, allow }: Capability, { path: words }: Need): boolean {
  return naiveMatch(path, words) && (allow === undefined || allow.some((pattern) => naiveMatch(pattern, words)));
}

function naiveMatch(pattern: Pattern, words: readonly string[]): boolean {
  const [segment, ...rest] = pattern;
  if (segment === undefined) return words.length === 0;
  if (segment === DEEP) return naiveMatch(rest, words) || (words.length > 0 && naiveMatch(pattern, words.slice(1)));
  const [word, ...more] = words;
  const expression = segment
    .map((part) => part.replace(/[^a-z]/gu, "\\$&").replace(/\\([^\x20-\x7e])/gu, "$1"))
    .join("[^]*");
  return word !== undefined && new RegExp(`^${expression}$`).test(word) && naiveMatch(rest, more);
}
