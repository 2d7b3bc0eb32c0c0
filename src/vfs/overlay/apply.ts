import {
  type BigIntStats,
  constants,
  fchmodSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { ToolError } from "../../model/tool.ts";
import { failure, fromSystem } from "../failure.ts";
import { parsePath } from "../path.ts";
import { Descriptor, descendToParent, kindOf, look, openRegular, toStat } from "../walk.ts";
import { nowAt } from "./changes.ts";
import { type Layer, orAbsent, sync } from "./layer.ts";
import { isTemporary } from "./litter.ts";
import type { Change, FileState } from "./overlay.ts";
import { copiedFrom } from "./stage.ts";
import { isExecutable, sameState } from "./state.ts";

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** One name of the workspace that is about to change. */
interface Spot {
  readonly parent: Descriptor;
  readonly name: string;
  readonly path: string;
  readonly stats: BigIntStats | undefined;
  /** A name beside it for what is not whole yet. */
  readonly temporary: string;
}

/**
 * Applies one change to the workspace; or says why not. It is durable once the directory that it is in is synced. Changes that
 * are applied at the same time have a `temporary` name each.
 */
export async function applyChange(
  layer: Layer,
  change: Change,
  { overwrite, temporary }: { readonly overwrite: boolean; readonly temporary: string },
): Promise<string | undefined> {
  const segments = parsePath(change.path);
  try {
    const open = () => descendToParent(layer.places.base.fd, segments);
    const at = change.after.kind === "nothing" ? orAbsent(open) : open();
    // It went with the directory that it was in.
    if (at === undefined) return undefined;
    const { parent, name } = at;
    using _ = parent;
    const stats = look(parent, name);
    const now = nowAt(layer, segments, layer.tree.get(segments));
    if (!sameState(now, change.after)) {
      if (!overwrite && !sameState(now, change.before)) throw changed(change.path, now);
      requireAppliable(change);
      await put(layer, change, { parent, name, path: change.path, stats, temporary });
    }
    return undefined;
  } catch (error) {
    const told = fromSystem(error, change.path);
    if (told instanceof ToolError) return told.message;
    throw told;
  }
}

/** Why no commit applies a change, whatever the workspace holds; `undefined` for most. */
export function hindrance(change: Change): string | undefined {
  try {
    requireAppliable(change);
    return undefined;
  } catch (error) {
    if (error instanceof ToolError) return error.message;
    throw error;
  }
}

function requireAppliable({ path, after }: Change): void {
  if (isTemporary(parsePath(path).at(-1) ?? "")) throw failure("refused", path, "a commit needs this name for itself");
  if (after.kind === "link") requireInside(path, after.target);
  if (after.kind === "other") throw failure("special-file", path, "it is no file, directory or link");
}

function changed(path: string, now: FileState): ToolError {
  const found =
    now.kind === "nothing" ? "it is gone" : now.kind === "file" ? "it has other content" : `it is a ${now.kind}`;
  return failure("conflict", path, `the workspace changed since the run saw it: ${found}`);
}

async function put(layer: Layer, { path, after }: Change, spot: Spot): Promise<void> {
  switch (after.kind) {
    case "nothing":
      return takeAway(spot);
    case "directory":
      await makeWay(layer, spot);
      return mkdirSync(spot.parent.at(spot.name));
    case "link":
      symlinkSync(after.target, spot.parent.at(spot.temporary));
      return await moveIn(layer, spot);
    case "file":
      await writeTemporary(layer, spot, after.executable);
      return await moveIn(layer, spot);
    case "other":
      throw failure("special-file", path, "it is no file, directory or link");
  }
}

function takeAway({ parent, name, path, stats }: Spot): void {
  if (stats === undefined) return;
  if (kindOf(stats) !== "directory") {
    unlinkSync(parent.at(name));
    return;
  }
  try {
    rmdirSync(parent.at(name));
  } catch (error) {
    const told = fromSystem(error, path);
    if (!(told instanceof ToolError) || told.code !== "not-empty") throw error;
    throw failure("not-empty", path, "the directory holds what the run did not take away");
  }
}

/** Where one kind of node takes the place of another, there is nothing for a moment: a crash then is no change of the user's. */
async function makeWay(layer: Layer, spot: Spot): Promise<void> {
  if (spot.stats === undefined) return;
  await layer.append([{ path: spot.path, replacing: true }]);
  takeAway(spot);
}

/** The temporary file or link takes its place in one step. */
async function moveIn(layer: Layer, spot: Spot): Promise<void> {
  const { parent, name, path, stats, temporary } = spot;
  try {
    if (stats !== undefined && kindOf(stats) === "directory") await makeWay(layer, spot);
    else requireSame(spot);
    renameSync(parent.at(temporary), parent.at(name));
  } catch (error) {
    unlinkSync(parent.at(temporary));
    throw fromSystem(error, path);
  }
}

/** What was looked at is still there: somebody may have saved the file since. */
function requireSame({ parent, name, path, stats }: Spot): void {
  const now = look(parent, name);
  if ((now && toStat(now).stamp) === (stats && toStat(stats).stamp)) return;
  throw failure("conflict", path, "the workspace changes while it is written");
}

async function writeTemporary(
  { places }: Layer,
  { parent, path, stats, temporary }: Spot,
  executable: boolean,
): Promise<void> {
  const old = stats !== undefined && kindOf(stats) === "file" ? stats : undefined;
  if (old !== undefined && old.nlink > 1n) {
    throw failure("hard-link", path, "it has further hard links, maybe outside of the workspace");
  }
  const at = descendToParent(places.upper.fd, parsePath(path));
  using _at = at.parent;
  const { file } = openRegular(at.parent, at.name, path);
  using _file = file;
  using fresh = new Descriptor(openSync(parent.at(temporary), CREATE, executable ? 0o777 : 0o666));
  try {
    await copiedFrom(file)(fresh);
    if (old !== undefined) fchmodSync(fresh.fd, modeLike(old, executable));
    await sync(fresh.fd);
  } catch (error) {
    unlinkSync(parent.at(temporary));
    throw error;
  }
}

/** The permissions of a file that is replaced; who may read it may execute it, or nobody. */
function modeLike(old: BigIntStats, executable: boolean): number {
  const mode = Number(old.mode & 0o777n);
  if (isExecutable(old) === executable) return mode;
  return executable ? mode | ((mode & 0o444) >> 2) : mode & ~0o111;
}

/** A link that leads out of the workspace is none that an agent may leave behind: whoever opens it would follow. */
function requireInside(path: string, target: string): void {
  const depth = parsePath(path).length - 1;
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  const up = parts.findIndex((part) => part !== "..");
  const leading = up === -1 ? parts.length : up;
  if (target.startsWith("/")) throw failure("link", path, `the link leads to \`${target}\`, an absolute path`);
  if (leading > depth || parts.slice(leading).includes("..")) {
    throw failure("link", path, `the link leads to \`${target}\`, which may be outside of the workspace`);
  }
}
