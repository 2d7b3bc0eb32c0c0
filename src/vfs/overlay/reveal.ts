import { formatPath, parsePath } from "../path.ts";
import type { Line } from "./log.ts";
import type { Tree } from "./tree.ts";

/**
 * Marks with which the workspace shows through at some paths, and nowhere else that the run knows of. A mark above one of them
 * goes down to what is beside it.
 */
export function reveal(tree: Tree, paths: readonly { readonly path: string }[]): readonly Line[] {
  const marks = new Map<string, boolean>();
  for (const { path } of paths) {
    const segments = parsePath(path);
    for (let length = 1; length <= segments.length; length++) {
      const above = segments.slice(0, length);
      const spot = tree.get(above);
      if (spot === undefined || !(marks.get(formatPath(above)) ?? spot.hidden)) continue;
      marks.set(formatPath(above), false);
      for (const [name, child] of spot.children) {
        if (child.before === undefined || child.before.state.kind === "nothing") continue;
        marks.set(formatPath([...above, name]), true);
      }
    }
  }
  return [...marks].map(([path, hidden]) => ({ path, hidden }));
}
