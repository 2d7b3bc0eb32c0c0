import { formatPath, parsePath } from "../path.ts";
import { descend } from "../walk.ts";
import { applyChange } from "./apply.ts";
import { changesOf } from "./changes.ts";
import { choose, withAbove } from "./choose.ts";
import { type Layer, orAbsent, sync } from "./layer.ts";
import { beginCommit, endCommit, TOGETHER, temporaryName } from "./litter.ts";
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
  for (const some of inOrder(chosen)) {
    const reasons = await Promise.all(
      some.map((change, index) => applyChange(layer, change, { overwrite, temporary: temporaryName(index) })),
    );
    for (const [index, change] of some.entries()) {
      const reason = reasons[index];
      if (reason === undefined) applied.push(change);
      else refused.push({ change, reason });
    }
  }
  await syncAround(layer, applied);
  if (applied.length > 0) await settle(layer, applied);
  await endCommit(layer.places);
  return { applied, refused };
}

/**
 * Directories from above to below, then what is in them, so that what was moved is there before it goes; then deletions from
 * below to above; then what takes the place of a directory, which is empty by then. Together are changes that do not care.
 */
function inOrder(changes: readonly Change[]): readonly (readonly Change[])[] {
  const isDeletion = ({ after }: Change) => after.kind === "nothing";
  const replacesDirectory = ({ before, after }: Change) => before.kind === "directory" && after.kind !== "nothing";
  const rest = changes.filter((change) => !isDeletion(change) && !replacesDirectory(change));
  const content = rest.filter(({ after }) => after.kind !== "directory");
  const alone = (some: readonly Change[]) => some.map((change) => [change]);
  return [
    ...alone(rest.filter(({ after }) => after.kind === "directory")),
    ...Array.from({ length: Math.ceil(content.length / TOGETHER) }, (_, part) =>
      content.slice(part * TOGETHER, (part + 1) * TOGETHER),
    ),
    ...alone(changes.filter(isDeletion).reverse()),
    ...alone(changes.filter(replacesDirectory)),
  ];
}

/** The directories whose entries changed are on disk before the layer forgets; those that went are in others. */
async function syncAround({ places }: Layer, applied: readonly Change[]): Promise<void> {
  const above = new Set(applied.map(({ path }) => formatPath(parsePath(path).slice(0, -1))));
  for (const path of above) {
    using directory = orAbsent(() => descend(places.base.fd, parsePath(path)));
    if (directory !== undefined) await sync(directory.fd);
  }
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
