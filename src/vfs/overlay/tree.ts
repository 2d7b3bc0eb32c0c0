import type { NodeKind } from "../directory.ts";
import { byCodeUnit } from "../path.ts";
import type { FileState } from "./overlay.ts";

/** What the layer itself holds at a path. */
export interface Held {
  readonly kind: NodeKind;
  /** Bytes of a file, as its size says; 0 for everything else. */
  readonly size: number;
  /** Its content, once somebody asked for it. */
  seen?: Before;
}

/** What the workspace held at a path when the run changed it first. */
export interface Before {
  readonly state: FileState;
  /** `NodeStat.stamp` at that time: as long as the workspace shows it, nothing needs to be read again. */
  readonly stamp?: string;
}

/** What is known about one path. */
export interface Spot {
  held?: Held;
  before?: Before;
  /** Nothing of the workspace is seen here and below. */
  hidden: boolean;
  /** A commit takes one kind of node away to put another one there: the workspace may hold nothing. */
  replacing: boolean;
  readonly children: Map<string, Spot>;
}

const empty = (): Spot => ({ hidden: false, replacing: false, children: new Map() });

/** The index of a layer: every path that it holds, hides or has a record of. INVARIANT: above what is held are held directories. */
export class Tree {
  readonly root: Spot = { ...empty(), held: { kind: "directory", size: 0 } };
  /** Totals of what is held, without the root. */
  bytes = 0;
  files = 0;

  get(segments: readonly string[]): Spot | undefined {
    let spot: Spot | undefined = this.root;
    for (const name of segments) spot = spot?.children.get(name);
    return spot;
  }

  ensure(segments: readonly string[]): Spot {
    let spot = this.root;
    for (const name of segments) {
      let child = spot.children.get(name);
      if (child === undefined) {
        child = empty();
        spot.children.set(name, child);
      }
      spot = child;
    }
    return spot;
  }

  /** Sets or forgets what is held at one path. */
  hold(segments: readonly string[], held: Held | undefined): void {
    const spot = this.ensure(segments);
    this.#count(spot.held, -1);
    this.#count(held, 1);
    if (held === undefined) delete spot.held;
    else spot.held = held;
    this.prune(segments);
  }

  /** Forgets what is held at a path and below it. */
  release(segments: readonly string[]): void {
    const paths = [...this.below(segments)].filter(({ spot }) => spot.held !== undefined);
    for (const { path } of paths.reverse()) this.hold(path, undefined);
  }

  /** Drops paths of which nothing is known any more. */
  prune(segments: readonly string[]): void {
    for (let length = segments.length; length > 0; length--) {
      const spot = this.get(segments.slice(0, length));
      if (spot === undefined || spot.children.size > 0 || spot.held || spot.before || spot.hidden) return;
      this.get(segments.slice(0, length - 1))?.children.delete(segments[length - 1] ?? "");
    }
  }

  /** A path and everything known below it, parents first, names in the order of code units. */
  *below(segments: readonly string[]): Generator<{ readonly path: readonly string[]; readonly spot: Spot }> {
    const spot = this.get(segments);
    if (spot === undefined) return;
    yield { path: segments, spot };
    for (const name of [...spot.children.keys()].sort(byCodeUnit)) yield* this.below([...segments, name]);
  }

  #count(held: Held | undefined, sign: 1 | -1): void {
    if (held === undefined) return;
    this.bytes += sign * held.size;
    this.files += sign;
  }
}
