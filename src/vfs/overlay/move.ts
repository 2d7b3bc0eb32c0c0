import { readlinkSync, renameSync, symlinkSync } from "node:fs";
import { failure } from "../failure.ts";
import { formatPath } from "../path.ts";
import { type Descriptor, descendToParent, kindOf, openRegular } from "../walk.ts";
import { forgetNothing, hide, type Target, targetOf } from "./edit.ts";
import { type Layer, missing, type Route, shown, sync } from "./layer.ts";
import { moveTree } from "./move-tree.ts";
import { copiedFrom, createFile, makeAbove, moveIn, syncDirectory } from "./stage.ts";
import { isExecutable } from "./state.ts";

/** Moves a file, link or directory: it is at its new place before it leaves the old one. */
export async function rename(layer: Layer, source: Route, target: Route): Promise<void> {
  const from = targetOf(layer, source);
  if (from.stats === undefined) throw missing(shown(source));
  const to = targetOf(layer, target);
  if (to.stats !== undefined) throw failure("exists", shown(target), "it exists already");
  const kind = kindOf(from.stats);
  if (kind === "special") throw failure("special-file", shown(source), "it is a device, FIFO or socket");
  if (kind === "directory") await moveTree(layer, { source, target, from, to });
  else if (from.found.held !== undefined) await moveHeld(layer, { source, target, from, to });
  else await moveOut(layer, { source, target, from, to });
  layer.moved(source.segments, target.segments);
}

export interface Move {
  readonly source: Route;
  readonly target: Route;
  readonly from: Target;
  readonly to: Target;
}

/** What the layer holds moves in one step; the workspace is hidden before, so that nothing comes to light. */
async function moveHeld(layer: Layer, { source, target, from, to }: Move): Promise<void> {
  layer.require(shown(target), { bytes: 0, files: to.above });
  await layer.append([...layer.record(target.segments), ...hide(layer, source.segments, from.found)]);
  await moveUpper(layer, source.segments, target.segments);
  forgetNothing(layer, source.segments);
}

/** Moves what the layer holds at a path, with all below it. */
export async function moveUpper(layer: Layer, source: readonly string[], target: readonly string[]): Promise<void> {
  const { places, tree } = layer;
  const above = makeAbove(layer, target);
  const from = descendToParent(places.upper.fd, source);
  using _from = from.parent;
  const to = descendToParent(places.upper.fd, target);
  using _to = to.parent;
  renameSync(from.parent.at(from.name), to.parent.at(to.name));
  const moved = [...tree.below(source)].flatMap(({ path, spot }) => (spot.held ? [{ path, held: spot.held }] : []));
  for (const { path, held } of moved) tree.hold([...target, ...path.slice(source.length)], held);
  tree.release(source);
  await layer.synced([sync(to.parent.fd), sync(from.parent.fd), ...above.map((path) => syncDirectory(layer, path))]);
}

/** What is in the workspace only is copied, and hidden once the copy is on disk. */
async function moveOut(layer: Layer, { source, target, from, to }: Move): Promise<void> {
  const { stats } = from;
  if (stats === undefined) throw missing(shown(source));
  const isFile = kindOf(stats) === "file";
  layer.require(shown(target), { bytes: isFile ? Number(stats.size) : 0, files: to.above + 1 });
  const lines = [...layer.record(source.segments), ...layer.record(target.segments)];
  const staged = layer.stage();
  const size = await stageCopy(layer, source, { folder: layer.places.staging, name: staged });
  await layer.append(lines);
  await moveIn(layer, staged, target.segments, { kind: isFile ? "file" : "link", size });
  await layer.append([{ path: formatPath(source.segments), hidden: true }]);
}

/** Copies a file or link of the merged tree to a name that is free; its size. */
export async function stageCopy(
  layer: Layer,
  source: Route,
  at: { readonly folder: Descriptor; readonly name: string },
): Promise<number> {
  const { parent, name } = layer.place(source);
  using _ = parent;
  if (layer.kind(source) === "link") {
    symlinkSync(readlinkSync(parent.at(name), { encoding: "buffer" }), at.folder.at(at.name));
    return 0;
  }
  const { file, stats } = openRegular(parent, name, shown(source));
  using _file = file;
  return await createFile(at, isExecutable(stats), copiedFrom(file));
}
