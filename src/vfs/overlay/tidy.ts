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

/** Whether there is something at the path or below that the run changed, and whether the layer needs to hold something there. */
function visit(
  spot: Spot,
  { path, open: above }: { readonly path: readonly string[]; readonly open: boolean },
  findings: Findings,
): { readonly changed: boolean; readonly holds: boolean } {
  const open = above && !spot.hidden;
  const inside = open && (spot.held === undefined || spot.held.kind === "directory");
  let changed = false;
  let holds = false;
  for (const [name, child] of spot.children) {
    const below = visit(child, { path: [...path, name], open: inside }, findings);
    changed ||= below.changed;
    holds ||= below.holds;
  }
  if (path.length === 0) return { changed, holds };
  const { held, before } = spot;
  const isDirectory = held?.kind === "directory";
  const own =
    held === undefined
      ? !open && isOther(before?.state.kind, "nothing")
      : !isDirectory || isOther(before?.state.kind, "directory");
  const line = formatPath(path);
  // A directory that the run took away and made again, and in which nothing is missing, is the workspace's own.
  if (!own && before !== undefined && !(isDirectory && spot.hidden && changed)) {
    findings.lines.push({ path: line, forget: true });
  }
  if (spot.hidden && !own && !changed) findings.lines.push({ path: line, hidden: false });
  if (held !== undefined && !own && !holds && !(spot.hidden && changed)) findings.hollow.push(path);
  else holds ||= held !== undefined;
  return { changed: changed || own, holds };
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
