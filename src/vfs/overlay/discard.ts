import { parsePath } from "../path.ts";
import { changesOf } from "./changes.ts";
import { choose, isAtOrBelow, withAbove } from "./choose.ts";
import type { Layer } from "./layer.ts";
import type { Line } from "./log.ts";
import type { Change } from "./overlay.ts";
import { type Step, transact } from "./plan.ts";
import { reveal } from "./reveal.ts";
import { tidy } from "./tidy.ts";

/** Forgets changes: see `Overlay.discard`. */
export async function discard(layer: Layer, only?: readonly string[]): Promise<readonly Change[]> {
  layer.writable();
  const changes = changesOf(layer);
  // For something of a directory to be back, the directory has to be.
  const undone = withAbove(changes, choose(changes, only), isGoneDirectory);
  if (undone.length === 0) return [];
  const steps = stepsOf(undone);
  await transact(layer, {
    steps,
    lines: [
      ...reveal(
        layer.tree,
        undone.filter(({ before }) => before.kind !== "nothing"),
      ),
      ...undone.map(({ path }): Line => ({ path, forget: true })),
    ],
  });
  for (const { path } of steps) layer.removed(parsePath(path));
  await tidy(layer);
  return undone;
}

function isGoneDirectory({ before, after }: Change): boolean {
  return before.kind === "directory" && after.kind !== "directory";
}

function stepsOf(undone: readonly Change[]): readonly Step[] {
  const steps: Step[] = [];
  for (const { path, after } of undone) {
    if (after.kind === "nothing" || steps.some((step) => isAtOrBelow(path, step.path))) continue;
    steps.push({ path, kind: "gone" });
  }
  return steps;
}
