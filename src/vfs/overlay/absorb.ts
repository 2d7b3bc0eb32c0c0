import { failure } from "../failure.ts";
import { byCodeUnit, formatPath, parsePath } from "../path.ts";
import { keepBefore } from "./edit.ts";
import { type Layer, orAbsent, type Route } from "./layer.ts";
import type { Line } from "./log.ts";
import { forgotten, recordBelow, stepsAbove } from "./move-tree.ts";
import type { Incoming } from "./overlay.ts";
import { emptyStaging, type Step, transact } from "./plan.ts";
import { type Arrival, measure, sameAs, takeIn } from "./source.ts";

/** How many files are synced at a time. */
const TOGETHER = 32;

/** Takes over what a process left: see `Overlay.absorb`. */
export async function absorb(layer: Layer, incoming: readonly Incoming[], since: bigint): Promise<void> {
  layer.writable();
  const intake = new Intake(layer, since);
  for (const item of inOrder(incoming)) intake.add(item);
  layer.require(".", { bytes: intake.bytes, files: intake.files });
  if (intake.steps.length === 0 && intake.lines.length === 0) return;
  try {
    for (let at = 0; at < intake.arrivals.length; at += TOGETHER) {
      const some = intake.arrivals.slice(at, at + TOGETHER);
      await Promise.all(some.map(({ item, staged }) => takeIn(layer, item, staged)));
    }
    await transact(layer, { steps: intake.steps, lines: intake.lines });
    for (const path of intake.cleared()) layer.removed(path);
  } catch (error) {
    // A plan that is on disk still needs what was staged.
    if (!layer.isBroken()) await emptyStaging(layer.places);
    throw error;
  }
}

/** What is above comes first, and each path once. */
function inOrder(incoming: readonly Incoming[]): readonly Incoming[] {
  const sorted = [...incoming].sort((left, right) => byCodeUnit(left.path, right.path));
  for (const [index, { path }] of sorted.entries()) {
    if (path === sorted[index - 1]?.path) throw failure("bad-path", path, "it comes in twice");
  }
  return sorted;
}

/** Works out the plan, path by path, against the layer as it will be by then. */
class Intake {
  readonly steps: Step[] = [];
  readonly lines: Line[] = [];
  readonly arrivals: { readonly item: Arrival; readonly staged: string }[] = [];
  /** What the layer will hold in addition. */
  bytes = 0;
  files = 0;
  readonly #layer: Layer;
  readonly #since: bigint;
  /** Paths from which on nothing is left of what layer and workspace showed; whether a directory takes their place. */
  readonly #cleared = new Map<string, boolean>();
  readonly #said = new Set<string>();

  constructor(layer: Layer, since: bigint) {
    this.#layer = layer;
    this.#since = since;
  }

  add(item: Incoming): void {
    const segments = parsePath(item.path);
    if (segments.length === 0) throw failure("bad-path", item.path, "the workspace itself cannot come in");
    const cleared = this.#isCleared(segments);
    if (item.kind === "nothing") {
      if (!cleared) this.#leave(segments);
      return;
    }
    this.#requireDirectoryAbove(segments);
    if (!cleared) {
      if (this.#isThere(item, segments)) return;
      this.#clear(segments, this.#layer.baseKind(segments) === "directory");
      for (const step of stepsAbove(this.#layer, segments)) this.#makeAbove(step);
    }
    this.#arrive(item, segments);
  }

  /** Where nothing is left of what was there: handles to it have ended. */
  cleared(): readonly (readonly string[])[] {
    return [...this.#cleared.keys()].map(parsePath);
  }

  #arrive(item: Arrival, segments: readonly string[]): void {
    const lines = this.#layer.record(segments, this.#since);
    this.#say(lines);
    if (item.kind === "file") keepBefore(this.#layer, routeOf(segments), lines);
    const staged = this.#layer.stage();
    this.arrivals.push({ item, staged });
    this.steps.push({ path: item.path, kind: "staged", staged });
    this.files += 1;
    this.bytes += item.kind === "file" ? measure(item) : 0;
    this.#cleared.set(item.path, item.kind === "directory");
  }

  #leave(segments: readonly string[]): void {
    const path = formatPath(segments);
    const held = this.#layer.tree.get(segments)?.held;
    this.#clear(segments, true);
    if (held !== undefined) this.steps.push({ path, kind: "gone" });
    this.#say(forgotten(this.#layer, segments));
  }

  /** Of a path and below it nothing stays: not in the layer, and with `hide` not to be seen in the workspace either. */
  #clear(segments: readonly string[], hide: boolean): void {
    const path = formatPath(segments);
    this.#cleared.set(path, false);
    const found = orAbsent(() => this.#layer.find(routeOf(segments)));
    if (found === undefined) return;
    for (const { spot } of this.#layer.tree.below(segments)) {
      this.bytes -= spot.held?.size ?? 0;
      this.files -= spot.held === undefined ? 0 : 1;
    }
    if (!hide || !found.open || this.#layer.baseKind(segments) === "nothing") return;
    const lines = [...recordBelow(this.#layer, segments, this.#since)];
    // The bytes of one file are kept; of a whole tree the digests are enough.
    keepBefore(this.#layer, routeOf(segments), lines);
    this.#say(lines);
    this.#say([{ path, hidden: true }]);
  }

  /** Whether a path is already what comes. */
  #isThere(item: Arrival, segments: readonly string[]): boolean {
    if (item.kind === "directory") return !item.opaque && this.#layer.kind(routeOf(segments)) === "directory";
    return sameAs(this.#layer, routeOf(segments), item);
  }

  #requireDirectoryAbove(segments: readonly string[]): void {
    const above = segments.slice(0, -1);
    const isDirectory = this.#isCleared(above)
      ? this.#cleared.get(formatPath(above)) === true
      : above.length === 0 || this.#layer.kind(routeOf(above)) === "directory";
    if (!isDirectory) throw failure("not-a-directory", formatPath(segments), "it comes in where no directory is");
  }

  #isCleared(segments: readonly string[]): boolean {
    return segments.some((_, index) => this.#cleared.has(formatPath(segments.slice(0, index + 1))));
  }

  #makeAbove(step: Step): void {
    const key = `above ${step.path}`;
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.steps.push(step);
    this.files += 1;
  }

  /** Records that are there already stay: what the workspace held first counts. */
  #say(lines: Iterable<Line>): void {
    for (const line of lines) {
      const key = `${Object.keys(line).sort().at(0)} ${line.path}`;
      if (!this.#said.has(key)) this.lines.push(line);
      this.#said.add(key);
    }
  }
}

function routeOf(segments: readonly string[]): Route {
  return { segments, unshown: 0 };
}
