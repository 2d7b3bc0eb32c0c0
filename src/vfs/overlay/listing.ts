import type { DirectoryEntry, Listing } from "../directory.ts";
import { failure } from "../failure.ts";
import { listDirectory } from "../listing.ts";
import { byCodeUnit } from "../path.ts";
import { type Found, type Layer, missing, notDirectory, type Route, shown } from "./layer.ts";

export interface Names {
  readonly names: ReadonlyMap<string, DirectoryEntry>;
  readonly unnameable: number;
}

/** What is in a directory of the merged tree. Throws when it is none, and `too-many` beyond `limit` entries. */
export function mergedNames(layer: Layer, route: Route, limit: number): Names {
  const found = layer.find(route);
  const { held, open } = found;
  const spot = layer.tree.get(route.segments);
  if (held === undefined && !open) throw missing(shown(route));
  if (held !== undefined && held.kind !== "directory") throw notDirectory(held.kind, shown(route));
  const names = new Map<string, DirectoryEntry>();
  const above = open ? baseEntries(layer, route, found, limit + (spot?.children.size ?? 0)) : undefined;
  for (const entry of above?.entries ?? []) {
    if (spot?.children.get(entry.name)?.hidden !== true) names.set(entry.name, entry);
  }
  for (const [name, child] of spot?.children ?? []) {
    if (child.held !== undefined) names.set(name, { name, kind: child.held.kind, size: child.held.size });
  }
  if (names.size > limit) {
    throw failure("too-many", shown(route), `the directory has more than ${limit} entries; name a smaller one`);
  }
  return { names, unnameable: above?.unnameable ?? 0 };
}

export function mergedListing(layer: Layer, route: Route, limit: number): Listing {
  const { names, unnameable } = mergedNames(layer, route, limit);
  return { entries: [...names.values()].sort((left, right) => byCodeUnit(left.name, right.name)), unnameable };
}

/** What the workspace has in a directory; undefined where the layer has one and the workspace has none. */
function baseEntries(layer: Layer, route: Route, found: Found, limit: number): Listing | undefined {
  using directory = layer.baseDirectory(route, found);
  return directory === undefined ? undefined : listDirectory(directory, shown(route), limit);
}
