import { fsync } from "node:fs";
import { promisify } from "node:util";
import { UnfinishedError } from "../../model/errors.ts";
import { ToolError } from "../../model/tool.ts";
import type { NodeKind } from "../directory.ts";
import { failure, fromSystem } from "../failure.ts";
import { formatPath } from "../path.ts";
import { type Descriptor, descend, descendToParent, kindOf, look } from "../walk.ts";
import type { Kept } from "./kept.ts";
import { applyLine, type Line, type Log } from "./log.ts";
import type { Quota } from "./overlay.ts";
import { NOTHING, type Seen, stateAt } from "./state.ts";
import type { Before, Held, Tree } from "./tree.ts";

export const sync = promisify(fsync);
/** What the workspace says where a directory that the layer holds is no directory there. */
const ABSENT = ["not-found", "not-a-directory", "link"];

/** Where the parts of a layer are; each an open directory. */
export interface Places {
  readonly base: Descriptor;
  readonly folder: Descriptor;
  readonly upper: Descriptor;
  readonly staging: Descriptor;
}

/** A path from the root of the workspace. Errors leave out its first `unshown` components, which a handle stands for. */
export interface Route {
  readonly segments: readonly string[];
  readonly unshown: number;
  /** What a handle stands for, where it has that open: paths are walked from there. */
  readonly anchor?: Anchor;
}

/** The directory of a handle, in the layers that have one there. */
export interface Anchor {
  readonly base: Descriptor | undefined;
  readonly upper: Descriptor | undefined;
}

/** What the index says of a path. */
export interface Found {
  /** What the layer holds there. */
  readonly held: Held | undefined;
  /** The workspace is seen there, if it holds something and the layer does not. */
  readonly open: boolean;
  /** How many components from the root are directories that the layer holds. */
  readonly depth: number;
}

export interface Place {
  readonly layer: "upper" | "base";
  readonly parent: Descriptor;
  readonly name: string;
}

/** A handle that is open at a directory of the merged tree. */
export interface Follower {
  follow(source: readonly string[], target: readonly string[]): void;
  end(path: readonly string[]): void;
  close(): void;
}

/** The state of an open overlay, shared by everything that reads or changes it. */
export class Layer {
  readonly places: Places;
  readonly tree: Tree;
  readonly log: Log | undefined;
  readonly kept: Kept;
  readonly quota: Quota;
  /** Counts changes: what is open from before one may be in another place after it. */
  generation = 0;
  readonly handles = new Set<Follower>();
  #broken: Error | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #staged = 0;
  #closed = false;

  constructor(parts: {
    readonly places: Places;
    readonly tree: Tree;
    readonly log: Log | undefined;
    readonly kept: Kept;
    readonly quota: Quota;
  }) {
    this.places = parts.places;
    this.tree = parts.tree;
    this.log = parts.log;
    this.kept = parts.kept;
    this.quota = parts.quota;
  }

  /** Changes happen one after the other. What fails in between leaves the index as the disk is, or ends all changes. */
  exclusive<T>(path: string, action: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(async () => {
      if (this.#broken !== undefined) throw this.#broken;
      this.writable();
      try {
        return await action();
      } catch (error) {
        throw fromSystem(error, path);
      } finally {
        this.generation += 1;
      }
    });
    this.#queue = done.catch(() => undefined); // who asked for it hears of it
    return done;
  }

  /** Ends all changes: after a failure that leaves open what the disk holds. Opening the layer again finds out. */
  breakOn(cause: unknown): Error {
    this.#broken ??= new UnfinishedError({
      code: "layer-not-written",
      message: `the layer of the run cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: "see to the disk, then resume the run: what was begun is finished then",
      cause,
    });
    return this.#broken;
  }

  /** What the index says. Throws for what stands in the way above. */
  find({ segments, unshown }: Route): Found {
    const last = segments.length - 1;
    let spot = this.tree.root;
    let open = true;
    let depth = 0;
    for (const [index, name] of segments.entries()) {
      const child = spot.children.get(name);
      if (child?.hidden) open = false;
      const held = child?.held;
      if (held !== undefined && (index === last || held.kind !== "directory")) {
        if (index === last) return { held, open, depth };
        throw notDirectory(held.kind, formatPath(segments.slice(unshown, index + 1)));
      }
      if (held === undefined && !open) {
        if (index === last) return { held, open, depth };
        throw missing(formatPath(segments.slice(unshown, index + 1)));
      }
      if (child === undefined) return { held, open, depth };
      if (held !== undefined) depth = index + 1;
      spot = child;
    }
    return { held: spot.held, open, depth };
  }

  /** Opens the directory that holds a path, in the layer that serves it. Close `parent`. There may be nothing all the same. */
  place(route: Route, found = this.find(route)): Place {
    const { segments, unshown, anchor } = route;
    if (found.held !== undefined) {
      const at =
        anchor?.upper === undefined
          ? descendToParent(this.places.upper.fd, segments, unshown)
          : descendToParent(anchor.upper.fd, segments.slice(unshown));
      return { layer: "upper", ...at };
    }
    const below = found.open ? this.below(route, found) : undefined;
    if (below === undefined) throw missing(shown(route));
    return { layer: "base", ...below };
  }

  /** The same in the workspace, whatever the layer holds; undefined where a directory of the layer is none there. */
  below({ segments, unshown, anchor }: Route, { depth }: Pick<Found, "depth">): Omit<Place, "layer"> | undefined {
    const known = Math.min(depth, segments.length - 1);
    if (anchor?.base !== undefined && known <= unshown) return descendToParent(anchor.base.fd, segments.slice(unshown));
    if (known === 0) return descendToParent(this.places.base.fd, segments, unshown);
    using top = orAbsent(() => descend(this.places.base.fd, segments.slice(0, known), unshown));
    if (top === undefined) return undefined;
    return descendToParent(top.fd, segments.slice(known), Math.max(0, unshown - known));
  }

  /** Opens a directory of the workspace that is seen; undefined where it is one of the layer and none there. */
  baseDirectory({ segments, unshown }: Route, { held, depth }: Found): Descriptor | undefined {
    const known = held === undefined ? depth : segments.length;
    const root = this.places.base.fd;
    if (known === 0) return descend(root, segments, unshown);
    using top = orAbsent(() => descend(root, segments.slice(0, known), unshown));
    return top && descend(top.fd, segments.slice(known), Math.max(0, unshown - known));
  }

  /** What a path stands for in the merged tree. */
  kind(route: Route): NodeKind | "nothing" {
    const found = this.find(route);
    if (found.held !== undefined) return found.held.kind;
    if (!found.open) return "nothing";
    const at = this.below(route, found);
    if (at === undefined) return "nothing";
    using parent = at.parent;
    const stats = look(parent, at.name);
    return stats === undefined ? "nothing" : kindOf(stats);
  }

  /** What the workspace holds at a path, seen or not; without reading it. */
  baseKind(segments: readonly string[]): NodeKind | "nothing" {
    const at = orAbsent(() => descendToParent(this.places.base.fd, segments));
    if (at === undefined) return "nothing";
    using parent = at.parent;
    const stats = look(parent, at.name);
    return stats === undefined ? "nothing" : kindOf(stats);
  }

  /** The same, with its content; not read again where it looks as it did when it was `known`. */
  base(segments: readonly string[], known?: Before): Seen {
    const at = orAbsent(() => descendToParent(this.places.base.fd, segments));
    if (at === undefined) return { state: NOTHING };
    using parent = at.parent;
    return stateAt(parent, at.name, formatPath(segments), known);
  }

  /**
   * The line that records what the workspace holds before a path is changed first; none when there is one. What changed at
   * or after `since` is not what the run saw.
   */
  record(segments: readonly string[], since?: bigint): readonly Line[] {
    if (this.tree.get(segments)?.before !== undefined) return [];
    // What the run could see was recorded before it was hidden: whatever is there now came later.
    if (!this.#isOpen(segments)) return [{ path: formatPath(segments), before: NOTHING }];
    const { state, stamp, changed = 0n } = this.base(segments);
    if (since !== undefined && changed >= since) return [{ path: formatPath(segments), before: { kind: "other" } }];
    return [{ path: formatPath(segments), before: state, ...(stamp === undefined ? {} : { stamp }) }];
  }

  /** Whether the workspace is seen at a path, if the layer holds nothing there. */
  #isOpen(segments: readonly string[]): boolean {
    let spot = this.tree.root;
    for (const name of segments) {
      if (spot.held !== undefined && spot.held.kind !== "directory") return false;
      const child = spot.children.get(name);
      if (child === undefined) return true;
      if (child.hidden) return false;
      spot = child;
    }
    return true;
  }

  /** Appends lines and takes them into the index once they are on disk. */
  async append(lines: readonly Line[]): Promise<void> {
    if (lines.length === 0) return;
    try {
      await this.writable().append(lines);
    } catch (error) {
      throw isFull(error) ? error : this.breakOn(error);
    }
    for (const line of lines) applyLine(this.tree, line);
  }

  /** The same for what may be lost in a crash, and where there is no room for it. */
  note(lines: readonly Line[]): void {
    try {
      this.writable().note(lines);
    } catch (error) {
      if (!isFull(error)) throw this.breakOn(error);
    }
    for (const line of lines) applyLine(this.tree, line);
  }

  /** Waits for names to be on disk. Where that fails it is not known which are, and changes end. */
  async synced(names: readonly Promise<void>[]): Promise<void> {
    try {
      await Promise.all(names);
    } catch (error) {
      throw this.breakOn(error);
    }
  }

  /** Whether changes have ended. */
  isBroken(): boolean {
    return this.#broken !== undefined;
  }

  writable(): Log {
    if (this.log === undefined) throw new ToolError("read-only", "the overlay was opened for reading");
    return this.log;
  }

  /** Refuses what would take the layer over its quota. `bytes` and `files` are what is added, or given back. */
  require(path: string, { bytes, files }: Quota): void {
    const { quota, tree } = this;
    const over = (what: "bytes" | "files", added: number) => added > 0 && tree[what] + added > quota[what];
    const what = over("bytes", bytes) ? "bytes" : "files";
    const added = what === "bytes" ? bytes : files;
    if (!over(what, added)) return;
    throw failure(
      "quota",
      path,
      `${added} ${what} more are over the quota of the run: ${quota[what]} ${what} are allowed, ${tree[what]} are used`,
    );
  }

  /** Handles follow a directory that is moved. */
  moved(source: readonly string[], target: readonly string[]): void {
    for (const handle of this.handles) handle.follow(source, target);
  }

  /** Handles of a directory end with it, also when another one takes its place. */
  removed(path: readonly string[]): void {
    for (const handle of this.handles) handle.end(path);
  }

  /** Ends everything; handles fail with `closed`. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#broken ??= new ToolError("closed", "the overlay is closed");
    for (const handle of [...this.handles]) handle.close();
    this.log?.close();
    this.kept.close();
    for (const place of Object.values(this.places)) place[Symbol.dispose]();
  }

  /** A name in `staging`. */
  stage(): string {
    this.#staged += 1;
    return String(this.#staged);
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

export function shown({ segments, unshown }: Route): string {
  return formatPath(segments.slice(unshown));
}

export function missing(path: string): ToolError {
  return failure("not-found", path, "there is no such file or directory");
}

export function notDirectory(kind: NodeKind, path: string): ToolError {
  if (kind === "link") return failure("link", path, "it is a link, and links are not followed");
  return failure("not-a-directory", path, "a part of the path is not a directory");
}

export function orAbsent<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof ToolError && ABSENT.includes(error.code)) return undefined;
    throw error;
  }
}

/** Whether a path is at or below another. */
export function isWithin(path: readonly string[], above: readonly string[]): boolean {
  return above.every((name, index) => path[index] === name);
}
