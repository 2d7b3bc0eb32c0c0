import { type BigIntStats, lstatSync, mkdirSync, rmdirSync, unlinkSync } from "node:fs";
import { failure } from "../failure.ts";
import { formatPath } from "../path.ts";
import { descendToParent, kindOf, look, requireFile } from "../walk.ts";
import { type Found, type Layer, missing, notDirectory, type Route, shown, sync } from "./layer.ts";
import { mergedNames } from "./listing.ts";
import type { Line } from "./log.ts";
import { createFile, filledWith, makeAbove, moveIn, syncDirectory } from "./stage.ts";
import { isExecutable } from "./state.ts";

/** A path that is about to change. */
export interface Target {
  readonly found: Found;
  /** What the merged tree shows there. */
  readonly stats: BigIntStats | undefined;
  /** How many directories the layer needs to hold above it in addition. */
  readonly above: number;
}

/** Looks at a path that is about to change. Throws when the directory that it is in is none. */
export function targetOf(layer: Layer, route: Route): Target {
  const { segments, unshown } = route;
  if (segments.length <= unshown) throw failure("is-a-directory", ".", "it is the directory itself");
  const found = layer.find(route);
  const above = segments.length - 1 - found.depth;
  if (found.held !== undefined) {
    const { parent, name } = descendToParent(layer.places.upper.fd, segments, unshown);
    using _ = parent;
    return { found, above: 0, stats: lstatSync(parent.at(name), { bigint: true }) };
  }
  const at = found.open ? layer.below(route, found) : undefined;
  if (at === undefined) {
    if (above > 0) requireDirectory(layer, { segments: segments.slice(0, -1), unshown });
    return { found, above, stats: undefined };
  }
  using parent = at.parent;
  return { found, above, stats: look(parent, at.name) };
}

function requireDirectory(layer: Layer, route: Route): void {
  const kind = layer.kind(route);
  if (kind === "nothing") throw missing(shown(route));
  if (kind !== "directory") throw notDirectory(kind, shown(route));
}

export async function write(layer: Layer, route: Route, data: Uint8Array): Promise<void> {
  const { found, stats, above } = targetOf(layer, route);
  if (stats !== undefined) requireFile(stats, shown(route));
  if (found.held === undefined && stats !== undefined && stats.nlink > 1n) {
    throw failure("hard-link", shown(route), "it has further hard links, maybe outside; write to another name");
  }
  const replaced = found.held?.size ?? 0;
  layer.require(shown(route), {
    bytes: data.length - replaced,
    files: above + (found.held === undefined ? 1 : 0),
  });
  const lines = layer.record(route.segments);
  keepBefore(layer, route, lines);
  const staged = layer.stage();
  const [size] = await Promise.all([
    createFile(
      { folder: layer.places.staging, name: staged },
      stats !== undefined && isExecutable(stats),
      filledWith(data),
    ),
    layer.append(lines),
  ]);
  await moveIn(layer, staged, route.segments, { kind: "file", size });
}

/** Keeps what the workspace holds, when it is about to be replaced and is what the record says. */
export function keepBefore(layer: Layer, { segments }: Route, lines: readonly Line[]): void {
  const line = lines.find((line) => "before" in line && line.path === formatPath(segments));
  if (line === undefined || !("before" in line) || line.before.kind !== "file") return;
  const { parent, name } = descendToParent(layer.places.base.fd, segments);
  using _ = parent;
  layer.kept.keep(line.before, parent, name);
}

export async function createDirectory(layer: Layer, route: Route): Promise<void> {
  const { stats, above } = targetOf(layer, route);
  if (stats !== undefined) throw failure("exists", shown(route), "it exists already");
  layer.require(shown(route), { bytes: 0, files: above + 1 });
  await layer.append(layer.record(route.segments));
  const changed = makeAbove(layer, route.segments);
  const { parent, name } = descendToParent(layer.places.upper.fd, route.segments);
  using _ = parent;
  mkdirSync(parent.at(name), 0o755);
  layer.tree.hold(route.segments, { kind: "directory", size: 0 });
  await layer.synced([sync(parent.fd), ...changed.map((path) => syncDirectory(layer, path))]);
}

export async function remove(layer: Layer, route: Route): Promise<void> {
  const { found, stats } = targetOf(layer, route);
  if (stats === undefined) throw missing(shown(route));
  const isDirectory = kindOf(stats) === "directory";
  if (isDirectory && !isEmpty(layer, route)) throw failure("not-empty", shown(route), "the directory is not empty");
  const lines = hide(layer, route.segments, found);
  keepBefore(layer, route, lines);
  await layer.append(lines);
  if (found.held !== undefined) await drop(layer, route.segments, isDirectory ? rmdirSync : unlinkSync);
  if (isDirectory) layer.removed(route.segments);
}

function isEmpty(layer: Layer, route: Route): boolean {
  const { names, unnameable } = mergedNames(layer, route, Number.MAX_SAFE_INTEGER);
  return names.size === 0 && unnameable === 0;
}

/** The lines after which the workspace is not seen at a path any more; none where it holds nothing or is not seen already. */
export function hide(layer: Layer, segments: readonly string[], { open }: Found): readonly Line[] {
  if (!open) return [];
  if (layer.baseKind(segments) === "nothing") return [];
  return [...layer.record(segments), { path: formatPath(segments), hidden: true }];
}

/** Takes something out of the layer in one step; the record of what was nothing before goes with it. */
async function drop(layer: Layer, segments: readonly string[], unlink: (path: string) => void): Promise<void> {
  const { parent, name } = descendToParent(layer.places.upper.fd, segments);
  using _ = parent;
  unlink(parent.at(name));
  layer.tree.hold(segments, undefined);
  await layer.synced([sync(parent.fd)]);
  forgetNothing(layer, segments);
}

/** A path that the run made and that is gone again was never changed. */
export function forgetNothing(layer: Layer, segments: readonly string[]): void {
  const spot = layer.tree.get(segments);
  if (spot?.held === undefined && spot?.before?.state.kind === "nothing") {
    layer.note([{ path: formatPath(segments), forget: true }]);
  }
}
