import { mkdirSync } from "node:fs";
import { failure } from "../failure.ts";
import { listDirectory } from "../listing.ts";
import { formatPath } from "../path.ts";
import { type Descriptor, descend } from "../walk.ts";
import { forgetNothing, hide } from "./edit.ts";
import { isWithin, type Layer, type Route, shown, sync } from "./layer.ts";
import { mergedListing } from "./listing.ts";
import type { Line } from "./log.ts";
import { type Move, moveUpper, stageCopy } from "./move.ts";
import { type Step, transact } from "./plan.ts";

/** Moves a directory. One that the workspace shows through is copied as a whole, and then takes its place in one step. */
export async function moveTree(layer: Layer, { source, target, from, to }: Move): Promise<void> {
  if (isWithin(target.segments, source.segments)) {
    throw failure("refused", shown(source), "a directory cannot be moved into itself");
  }
  using base = from.found.open ? layer.baseDirectory(source, from.found) : undefined;
  if (base === undefined) return moveOwn(layer, { source, target, from, to });
  const content = [...merged(layer, source)];
  const added = content.filter(({ own }) => !own);
  layer.require(shown(target), {
    bytes: added.reduce((sum, { size }) => sum + size, 0),
    files: to.above + 1 + added.length,
  });
  const staged = layer.stage();
  await stageTree(layer, source, { folder: layer.places.staging, name: staged });
  const at = (path: readonly string[]) => [...target.segments, ...path];
  await transact(layer, {
    steps: [
      ...stepsAbove(layer, target.segments),
      { path: formatPath(target.segments), kind: "staged", staged },
      { path: formatPath(source.segments), kind: "gone" },
    ],
    lines: [
      ...recordBelow(layer, source.segments),
      ...layer.record(target.segments),
      ...content.flatMap(({ path }) => layer.record(at(path))),
      { path: formatPath(source.segments), hidden: true },
      ...forgotten(layer, source.segments),
    ],
  });
}

/** A directory that is the layer's alone moves as it is. */
async function moveOwn(layer: Layer, { source, target, from, to }: Move): Promise<void> {
  layer.require(shown(target), { bytes: 0, files: to.above });
  const paths = [...layer.tree.below(source.segments)].filter(({ spot }) => spot.held).map(({ path }) => path);
  const moved = (path: readonly string[]) => [...target.segments, ...path.slice(source.segments.length)];
  const records = paths.flatMap((path) => layer.record(moved(path)));
  await layer.append([...records, ...hide(layer, source.segments, from.found)]);
  await moveUpper(layer, source.segments, target.segments);
  for (const path of paths.reverse()) forgetNothing(layer, path);
}

interface Content {
  /** From the directory. */
  readonly path: readonly string[];
  readonly size: number;
  /** The layer holds it, so that moving it adds nothing. */
  readonly own: boolean;
}

function* merged(layer: Layer, route: Route, below: readonly string[] = []): Generator<Content> {
  const here = { ...route, segments: [...route.segments, ...below] };
  const { entries, unnameable } = mergedListing(layer, here, Number.MAX_SAFE_INTEGER);
  if (unnameable > 0)
    throw failure("refused", shown(here), "it holds names that no path can spell; move what is below");
  for (const { name, kind, size } of entries) {
    const path = [...below, name];
    const at = { ...route, segments: [...route.segments, ...path] };
    if (kind === "special")
      throw failure("special-file", shown(at), "it is a device, FIFO or socket, and cannot be moved");
    const own = layer.tree.get(at.segments)?.held !== undefined;
    yield { path, size: kind === "file" ? size : 0, own };
    if (kind === "directory") yield* merged(layer, route, path);
  }
}

async function stageTree(
  layer: Layer,
  source: Route,
  at: { readonly folder: Descriptor; readonly name: string },
): Promise<void> {
  mkdirSync(at.folder.at(at.name), 0o755);
  using folder = descend(at.folder.fd, [at.name]);
  for (const { name, kind } of mergedListing(layer, source, Number.MAX_SAFE_INTEGER).entries) {
    const below = { ...source, segments: [...source.segments, name] };
    if (kind === "directory") await stageTree(layer, below, { folder, name });
    else await stageCopy(layer, below, { folder, name });
  }
  await sync(folder.fd);
}

/** Steps that make the layer hold the directories above a path. */
export function stepsAbove({ tree }: Layer, segments: readonly string[]): readonly Step[] {
  return segments.slice(0, -1).flatMap((_, index): Step[] => {
    const path = segments.slice(0, index + 1);
    return tree.get(path)?.held === undefined ? [{ path: formatPath(path), kind: "directory" }] : [];
  });
}

/** Records of what the workspace shows at a path and below it; see `Layer.record` for `since`. */
export function* recordBelow(layer: Layer, segments: readonly string[], since?: bigint): Generator<Line> {
  if (layer.tree.get(segments)?.hidden) return;
  yield* layer.record(segments, since);
  if (layer.baseKind(segments) !== "directory") return;
  using directory = descend(layer.places.base.fd, segments);
  for (const { name } of listDirectory(directory, formatPath(segments), Number.MAX_SAFE_INTEGER).entries) {
    yield* recordBelow(layer, [...segments, name], since);
  }
}

/** What the run made below a path is no change any more when it goes. */
export function forgotten({ tree }: Layer, segments: readonly string[]): readonly Line[] {
  return [...tree.below(segments)]
    .filter(({ spot }) => spot.before?.state.kind === "nothing")
    .map(({ path }) => ({ path: formatPath(path), forget: true }));
}
