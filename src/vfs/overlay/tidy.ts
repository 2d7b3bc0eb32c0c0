import { rmdirSync } from "node:fs";
import type { Digest } from "../../model/canonical.ts";
import { formatPath } from "../path.ts";
import { descendToParent } from "../walk.ts";
import type { Layer } from "./layer.ts";
import type { Line } from "./log.ts";
import type { FileState } from "./overlay.ts";
import type { Spot } from "./tree.ts";

/**
 * Takes out of a layer what means nothing: marks that hide nothing that the run deleted, records of what is as it was, and
 * directories that stand for the workspace's own with nothing in them. Nothing depends on it, and a crash may leave a part.
 */
export async function tidy(layer: Layer): Promise<void> {
  const lines: Line[] = [];
  const hollow: (readonly string[])[] = [];
  visit(layer.tree.root, { path: [], open: true }, { lines, hollow });
  await layer.append(lines);
  for (const path of hollow) {
    const { parent, name } = descendToParent(layer.places.upper.fd, path);
    using _ = parent;
    rmdirSync(parent.at(name));
    layer.tree.hold(path, undefined);
  }
  layer.kept.retain(digestsIn(layer.tree.root));
}

interface Findings {
  readonly lines: Line[];
  /** Deepest first. */
  readonly hollow: (readonly string[])[];
}

/** Whether the layer needs to hold something at a path. `open`: the workspace is seen in the directory that it is in. */
function visit(spot: Spot, { path, open: above }: Visit, findings: Findings): boolean {
  const hidden = spot.hidden && isChanged(spot, above);
  const open = above && !hidden;
  let holds = false;
  for (const [name, child] of spot.children) {
    const below = visit(child, { path: [...path, name], open: open && isOpen(spot) }, findings);
    holds ||= below;
  }
  if (path.length === 0) return true;
  const line = formatPath(path);
  // Where the workspace is not seen, a directory is there only because the layer holds it.
  const keeps = isOwn(spot, above && !spot.hidden) || (spot.held !== undefined && !open);
  if (spot.before !== undefined && !keeps) findings.lines.push({ path: line, forget: true });
  if (spot.hidden && !hidden) findings.lines.push({ path: line, hidden: false });
  if (spot.held === undefined) return false;
  if (!keeps && !holds) findings.hollow.push(path);
  return keeps || holds;
}

interface Visit {
  readonly path: readonly string[];
  readonly open: boolean;
}

/** Whether the run changed something at a path or below. */
function isChanged(spot: Spot, above: boolean): boolean {
  const open = above && !spot.hidden;
  if (isOwn(spot, open)) return true;
  return [...spot.children.values()].some((child) => isChanged(child, open && isOpen(spot)));
}

/** Whether a path itself is other than it was: `open` as it is now. */
function isOwn({ held, before }: Spot, open: boolean): boolean {
  if (held === undefined) return !open && isOther(before?.state.kind, "nothing");
  return held.kind !== "directory" || isOther(before?.state.kind, "directory");
}

/** Below a file or link of the layer nothing of the workspace is seen. */
function isOpen({ held }: Spot): boolean {
  return held === undefined || held.kind === "directory";
}

function isOther(before: FileState["kind"] | undefined, kind: FileState["kind"]): boolean {
  return before !== undefined && before !== kind;
}

function digestsIn(spot: Spot): Set<Digest> {
  const digests = new Set<Digest>();
  const collect = ({ before, children }: Spot): void => {
    if (before?.state.kind === "file") digests.add(before.state.digest);
    for (const child of children.values()) collect(child);
  };
  collect(spot);
  return digests;
}
