import { InputError } from "../../model/errors.ts";
import type { Change } from "../../vfs/overlay/overlay.ts";

/** How many names are offered in place of one that is not known. */
const NEAREST = 3;
/** Characters of a name that are compared. */
const LENGTH = 200;

/**
 * The changes at or below some paths, all of them for no paths. Paths are relative to the workspace; `./` before and `/` behind
 * count for nothing. Throws `InputError` for a path with no change at or below it, with the names that come nearest.
 */
export function chosen(changes: readonly Change[], only: readonly string[] | undefined): readonly Change[] {
  const paths = plainPaths(only);
  if (paths === undefined) return changes;
  for (const path of paths) if (!changes.some((change) => covers(path, change.path))) throw unknown(path, changes);
  return changes.filter((change) => paths.some((path) => covers(path, change.path)));
}

/** Paths as changes have them; undefined for all. */
export function plainPaths(only: readonly string[] | undefined): readonly string[] | undefined {
  const paths = only?.map((path) => path.replace(/^(?:\.\/+)+/, "").replace(/\/+$/, "") || ".");
  return paths === undefined || paths.length === 0 || paths.includes(".") ? undefined : paths;
}

function covers(path: string, changed: string): boolean {
  return changed === path || changed.startsWith(`${path}/`);
}

function unknown(path: string, changes: readonly Change[]): InputError {
  const names = nearest(
    path,
    changes.map((change) => change.path),
  );
  return new InputError({
    code: "unknown-path",
    message: `the run has changed nothing at or below \`${path}\``,
    hint:
      names.length === 0
        ? "it has changed nothing at all"
        : `what it has changed and comes nearest: ${names.map((name) => `\`${name}\``).join(", ")}; paths are relative to the workspace`,
  });
}

/** The names with the fewest edits from a path, or from the last part of it. */
function nearest(path: string, names: readonly string[]): readonly string[] {
  const last = (name: string) => name.slice(name.lastIndexOf("/") + 1);
  return names
    .map((name) => ({ name, edits: Math.min(distance(path, name), distance(last(path), last(name)) + 1) }))
    .toSorted((left, right) => left.edits - right.edits)
    .slice(0, NEAREST)
    .map(({ name }) => name);
}

/** Levenshtein's: insertions, deletions and replacements of single characters. */
function distance(left: string, right: string): number {
  const [from, to] = [left.slice(0, LENGTH), right.slice(0, LENGTH)];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
