/** Patterns for what every one of several lists of patterns allows. For people: what is decided is decided by the lists themselves. */
export function commonCommands(lists: readonly (readonly (readonly string[])[])[]): readonly (readonly string[])[] {
  return common(lists, commandOfBoth, (words) => JSON.stringify(words));
}

export function commonDomains(lists: readonly (readonly string[])[]): readonly string[] {
  return common(lists, domainOfBoth, (domain) => domain);
}

function common<T>(
  lists: readonly (readonly T[])[],
  ofBoth: (left: T, right: T) => T | undefined,
  name: (pattern: T) => string,
): readonly T[] {
  const [first = [], ...rest] = lists;
  const all = rest.reduce<readonly T[]>((left, right) => {
    const pairs = left.flatMap((one) => right.map((other) => ofBoth(one, other)));
    return distinct(
      pairs.filter((both) => both !== undefined),
      name,
    );
  }, first);
  return distinct(all, name);
}

function distinct<T>(patterns: readonly T[], name: (pattern: T) => string): readonly T[] {
  return [...new Map(patterns.map((pattern) => [name(pattern), pattern])).values()];
}

/** The pattern of the command lines that both allow, if there are any. */
function commandOfBoth(left: readonly string[], right: readonly string[]): readonly string[] | undefined {
  const [one, other] = [partsOf(left), partsOf(right)];
  const length = Math.max(one.fixed.length, other.fixed.length);
  if ((one.fixed.length < length && !one.open) || (other.fixed.length < length && !other.open)) return undefined;
  const words: string[] = [];
  for (let index = 0; index < length; index++) {
    const [a = "*", b = "*"] = [one.fixed[index], other.fixed[index]];
    if (a !== "*" && b !== "*" && a !== b) return undefined;
    words.push(a === "*" ? b : a);
  }
  return one.open && other.open ? [...words, "**"] : words;
}

function partsOf(pattern: readonly string[]): { readonly fixed: readonly string[]; readonly open: boolean } {
  const open = pattern.at(-1) === "**";
  return { open, fixed: open ? pattern.slice(0, -1) : pattern };
}

function domainOfBoth(left: string, right: string): string | undefined {
  if (left === right || right === "*") return left;
  if (left === "*") return right;
  if (isBelow(left, right)) return left;
  return isBelow(right, left) ? right : undefined;
}

/** Whether all that `inner` stands for is below the `*.` of `outer`. */
function isBelow(inner: string, outer: string): boolean {
  return outer.startsWith("*.") && inner.replace(/^\*/, "").endsWith(outer.slice(1)) && inner !== outer.slice(2);
}
