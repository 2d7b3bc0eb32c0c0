import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import { isJsonObject, type Json } from "../../model/json.ts";
import { formatPath, parsePath } from "../path.ts";
import { descendToParent, look } from "../walk.ts";
import { type Layer, orAbsent, type Places, sync } from "./layer.ts";
import { applyLine, type Line, toLine } from "./log.ts";
import { damagedNote, readNote, removeNote, writeNote } from "./note.ts";
import { scan } from "./scan.ts";
import { syncDirectory } from "./stage.ts";

/** In the folder of the layer, as long as a plan is not finished. */
export const PLAN = "plan.json";

/**
 * One step of a change to many paths. `staged`: what has that name in `staging` comes to the path, in place of what the layer
 * holds there. `gone`: what the layer holds there goes. `directory`: the layer holds a directory there.
 */
export type Step =
  | { readonly path: string; readonly kind: "staged"; readonly staged: string }
  | { readonly path: string; readonly kind: "gone" | "directory" };

/** A change to many paths that happens as a whole: once it is on disk, whoever opens the layer next finishes it. */
export interface Plan {
  /** No path twice; what is above comes first. */
  readonly steps: readonly Step[];
  readonly lines: readonly Line[];
}

/** Does all of it, or nothing when it rejects with anything but `WorldError`. */
export async function transact(layer: Layer, plan: Plan): Promise<void> {
  layer.writable();
  const { folder, staging } = layer.places;
  // What has no content to sync, such as a link, is on disk with its name.
  if (plan.steps.some(({ kind }) => kind === "staged")) await sync(staging.fd);
  try {
    await writeNote(folder, PLAN, { steps: [...plan.steps], lines: [...plan.lines] });
  } catch (error) {
    // Under its name it may be on disk, and whoever opens the layer next finishes it: nothing may change before.
    throw look(folder, PLAN) === undefined ? error : layer.breakOn(error);
  }
  await finish(layer, plan);
}

/** Goes through a plan that is on disk, from wherever that was left. */
export async function finish(layer: Layer, plan: Plan): Promise<void> {
  const { places, tree } = layer;
  try {
    for (const step of plan.steps) applyStep(layer, step);
    for (const line of plan.lines) applyLine(tree, line);
    const touched = touchedBy(plan).filter((path) => tree.get(path)?.held !== undefined);
    await Promise.all(touched.map((path) => syncDirectory(layer, path)));
    await layer.writable().append(plan.lines);
    await removeNote(places.folder, PLAN);
    await emptyStaging(places);
  } catch (cause) {
    throw layer.breakOn(cause);
  }
}

function applyStep(layer: Layer, step: Step): void {
  const { places, tree } = layer;
  const segments = parsePath(step.path);
  // Nothing can go where not even a directory is.
  const at = step.kind === "gone" ? orAbsent(() => descendToParent(places.upper.fd, segments)) : undefined;
  if (step.kind === "gone" && at === undefined) return;
  const { parent, name } = at ?? descendToParent(places.upper.fd, segments);
  using _ = parent;
  const there = look(parent, name);
  if (step.kind === "directory") {
    if (there === undefined) mkdirSync(parent.at(name), 0o755);
    tree.hold(segments, { kind: "directory", size: 0 });
    return;
  }
  // Done already, before a crash.
  if (step.kind === "staged" && look(places.staging, step.staged) === undefined) return;
  if (there !== undefined) renameSync(parent.at(name), places.staging.at(unused(layer)));
  tree.release(segments);
  if (step.kind !== "staged") return;
  renameSync(places.staging.at(step.staged), parent.at(name));
  for (const { path, held } of scan(parent, name)) tree.hold([...segments.slice(0, -1), ...path], held);
}

function unused(layer: Layer): string {
  for (;;) {
    const name = layer.stage();
    if (look(layer.places.staging, name) === undefined) return name;
  }
}

/** The directories whose entries a plan changes. What was staged is on disk with all that is below it. */
function touchedBy({ steps }: Plan): readonly (readonly string[])[] {
  return [...new Set(steps.map(({ path }) => formatPath(parsePath(path).slice(0, -1))))].map(parsePath);
}

/** The plan that a crash left behind, if there is one. Throws `IntegrityError` when it is not as it was written. */
export function readPlan({ folder }: Places): Plan | undefined {
  const json = readNote(folder, PLAN);
  if (json === undefined) return undefined;
  const { steps, lines } = isJsonObject(json) ? json : {};
  if (!Array.isArray(steps) || !Array.isArray(lines)) throw damagedNote(PLAN);
  return { steps: steps.map(toStep), lines: lines.map((line: Json) => toLine(line) ?? damaged()) };
}

function toStep(json: Json): Step {
  if (!isJsonObject(json) || typeof json.path !== "string") return damaged();
  const { path, kind, staged } = json;
  if (kind === "staged" && typeof staged === "string") return { path, kind, staged };
  return kind === "gone" || kind === "directory" ? { path, kind } : damaged();
}

function damaged(): never {
  throw damagedNote(PLAN);
}

/** Removes what was staged or thrown away. */
export async function emptyStaging({ staging }: Places): Promise<void> {
  for (const name of readdirSync(`/proc/self/fd/${staging.fd}`)) {
    await rm(staging.at(name), { recursive: true, force: true });
  }
}
