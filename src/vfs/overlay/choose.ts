import { parsePath } from "../path.ts";
import type { Change } from "./overlay.ts";

/** The changes at some paths and below them; all of them without paths. Throws `ToolError("bad-path")`. */
export function choose(changes: readonly Change[], only: readonly string[] | undefined): readonly Change[] {
  if (only === undefined || only.includes(".")) return changes;
  for (const path of only) parsePath(path);
  return changes.filter(({ path }) => only.some((chosen) => isAtOrBelow(path, chosen)));
}

export function isAtOrBelow(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}/`);
}

/** What was chosen, and with it what has to be so above of it. In the order of `changes`. */
export function withAbove(
  changes: readonly Change[],
  chosen: readonly Change[],
  needed: (above: Change) => boolean,
): readonly Change[] {
  const paths = new Set(chosen.map(({ path }) => path));
  const above = new Set<string>();
  for (const path of paths) {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) above.add(path.slice(0, end));
  }
  return changes.filter((change) => paths.has(change.path) || (above.has(change.path) && needed(change)));
}
