import { applyChange } from "./apply.ts";
import { changesOf } from "./changes.ts";
import { choose, withAbove } from "./choose.ts";
import type { Layer } from "./layer.ts";
import { beginCommit, endCommit } from "./litter.ts";
import type { Line } from "./log.ts";
import type { Change, Committed } from "./overlay.ts";
import { transact } from "./plan.ts";
import { reveal } from "./reveal.ts";
import { tidy } from "./tidy.ts";

export interface CommitOptions {
  readonly only?: readonly string[];
  readonly overwrite?: boolean;
}

/**
 * Applies changes to the workspace: see `Overlay.commit`. What was applied leaves the layer afterwards; after a crash in
 * between, the workspace holds what the change says, and committing it again only takes it out of the layer.
 */
export async function commit(layer: Layer, { only, overwrite = false }: CommitOptions): Promise<Committed> {
  layer.writable();
  const changes = changesOf(layer);
  const chosen = withAbove(changes, choose(changes, only), ({ after }) => after.kind === "directory");
  if (chosen.length === 0) return { applied: [], refused: [] };
  const applied: Change[] = [];
  const refused: { readonly change: Change; readonly reason: string }[] = [];
  await beginCommit(layer.places, chosen);
  for (const change of inOrder(chosen)) {
    const reason = await applyChange(layer, change, overwrite);
    if (reason === undefined) applied.push(change);
    else refused.push({ change, reason });
  }
  if (applied.length > 0) await settle(layer, applied);
  await endCommit(layer.places);
  return { applied, refused };
}

/**
 * New things from above to below, so that what was moved is there before it goes; then deletions from below to above; then
 * what takes the place of a directory, which is empty by then.
 */
function inOrder(changes: readonly Change[]): readonly Change[] {
  const isDeletion = ({ after }: Change) => after.kind === "nothing";
  const replacesDirectory = ({ before, after }: Change) => before.kind === "directory" && after.kind !== "nothing";
  return [
    ...changes.filter((change) => !isDeletion(change) && !replacesDirectory(change)),
    ...changes.filter(isDeletion).reverse(),
    ...changes.filter(replacesDirectory),
  ];
}

/** Takes changes that the workspace has now out of the layer. */
async function settle(layer: Layer, applied: readonly Change[]): Promise<void> {
  const held = applied.filter(({ after }) => after.kind === "file" || after.kind === "link");
  await transact(layer, {
    steps: held.map(({ path }) => ({ path, kind: "gone" })),
    lines: [
      ...reveal(
        layer.tree,
        applied.filter(({ after }) => after.kind !== "nothing"),
      ),
      ...applied.map(({ path }): Line => ({ path, forget: true })),
    ],
  });
  await tidy(layer);
}
