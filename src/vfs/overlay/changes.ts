import { byCodeUnit, formatPath } from "../path.ts";
import { descendToParent } from "../walk.ts";
import type { Layer } from "./layer.ts";
import type { Change, FileState } from "./overlay.ts";
import { NOTHING, sameState, stateAt } from "./state.ts";
import type { Held, Spot } from "./tree.ts";

/** Every path that is not as the workspace was when the run changed it first. Reads what was not read before. */
export function changesOf(layer: Layer): readonly Change[] {
  const changes: Change[] = [];
  visit(layer, { spot: layer.tree.root, path: [], open: true }, changes);
  return changes.sort((left, right) => byCodeUnit(left.path, right.path));
}

interface Visit {
  readonly spot: Spot;
  readonly path: readonly string[];
  /** The workspace is seen in the directory that this is in. */
  readonly open: boolean;
}

function visit(layer: Layer, { spot, path, open: above }: Visit, changes: Change[]): void {
  const open = above && !spot.hidden;
  const change = path.length === 0 ? undefined : changeAt(layer, { spot, path, open });
  if (change !== undefined) changes.push(change);
  // Below a file or link of the layer nothing of the workspace is seen.
  const inside = open && (spot.held === undefined || spot.held.kind === "directory");
  for (const [name, child] of spot.children)
    visit(layer, { spot: child, path: [...path, name], open: inside }, changes);
}

function changeAt(layer: Layer, { spot, path, open }: Visit): Change | undefined {
  const { held, before } = spot;
  if (held === undefined && (open || before === undefined)) return undefined;
  const after = held === undefined ? NOTHING : heldState(layer, path, held);
  // Without a record: a directory that stands for the workspace's own; anything else was not put there by us.
  const was: FileState = before?.state ?? { kind: after.kind === "directory" ? "directory" : "other" };
  if (sameState(was, after)) return undefined;
  const now = nowAt(layer, path, spot);
  const conflict = sameState(now, was) || sameState(now, after) ? {} : { conflict: now };
  return { path: formatPath(path), before: was, after, ...conflict };
}

/** What the workspace holds now; not read again while it looks as it did. */
export function nowAt(layer: Layer, path: readonly string[], spot: Spot | undefined): FileState {
  const { before, replacing = false } = spot ?? {};
  const now = layer.base(path, before);
  return replacing && before !== undefined && now.state.kind === "nothing" ? before.state : now.state;
}

export function heldState({ places }: Layer, path: readonly string[], held: Held): FileState {
  if (held.kind === "directory") return { kind: "directory" };
  const { parent, name } = descendToParent(places.upper.fd, path);
  using _ = parent;
  held.seen = stateAt(parent, name, formatPath(path), held.seen);
  return held.seen.state;
}
