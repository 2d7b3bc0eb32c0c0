/**
 * Which of two exact versions comes first, by the precedence of Semantic Versioning 2.0.0 §11: negative, 0 or positive. Numbers
 * may have any number of digits.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)];
  const byCore = compareLists(left.core, right.core);
  if (byCore !== 0) return byCore;
  // A version with a pre-release comes before the one without.
  if (left.pre.length === 0 || right.pre.length === 0) return right.pre.length - left.pre.length;
  return compareLists(left.pre, right.pre);
}

function parts(version: string): { readonly core: readonly string[]; readonly pre: readonly string[] } {
  const at = version.indexOf("-");
  if (at < 0) return { core: version.split("."), pre: [] };
  return { core: version.slice(0, at).split("."), pre: version.slice(at + 1).split(".") };
}

function compareLists(a: readonly string[], b: readonly string[]): number {
  for (const [i, one] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    const order = compareParts(one, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Numbers before words; numbers by value, words by their code units. */
function compareParts(a: string, b: string): number {
  const [left, right] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (left !== right) return left ? -1 : 1;
  if (left) {
    const [x, y] = [BigInt(a), BigInt(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}
