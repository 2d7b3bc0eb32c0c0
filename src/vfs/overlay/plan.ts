import { hash } from "node:crypto";
import { constants, mkdirSync, readdirSync, readFileSync, renameSync, unlinkSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { canonicalJson } from "../../model/canonical.ts";
import { IntegrityError, WorldError } from "../../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../model/json.ts";
import { formatPath, parsePath } from "../path.ts";
import { descendToParent, look } from "../walk.ts";
import { type Layer, orAbsent, type Places, sync } from "./layer.ts";
import { applyLine, type Line, toLine } from "./log.ts";
import { scan } from "./scan.ts";
import { syncDirectory } from "./stage.ts";

const PLAN = "plan.json";

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
  await writePlan(layer.places, plan);
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
    unlinkSync(places.folder.at(PLAN));
    await sync(places.folder.fd);
    await emptyStaging(places);
  } catch (cause) {
    throw layer.break(
      new WorldError({
        code: "layer-not-written",
        message: `the layer of the run cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
        hint: "see to the disk, then go on with the run: what was begun is finished then",
        cause,
      }),
    );
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

async function writePlan({ folder }: Places, plan: Plan): Promise<void> {
  const partial = `${PLAN}.partial`;
  try {
    const file = await open(folder.at(partial), constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
    try {
      const is: JsonObject = { steps: [...plan.steps], lines: [...plan.lines] };
      await file.writeFile(canonicalJson({ is, sum: sumOf(is) }));
      await file.sync();
    } finally {
      await file.close();
    }
    renameSync(folder.at(partial), folder.at(PLAN));
  } catch (error) {
    await rm(folder.at(partial), { force: true });
    throw error;
  }
  await sync(folder.fd);
}

function sumOf(plan: JsonObject): string {
  return hash("sha256", canonicalJson(plan), "hex");
}

/** The plan that a crash left behind, if there is one. Throws `IntegrityError` when it is not as it was written. */
export function readPlan({ folder }: Places): Plan | undefined {
  if (look(folder, PLAN) === undefined) return undefined;
  const plan = decode(readFileSync(folder.at(PLAN), "utf8"));
  if (plan !== undefined) return plan;
  throw new IntegrityError({
    code: "layer-damaged",
    message: `\`${PLAN}\` in the layer of the run is damaged: expected a plan with its checksum`,
    hint: "what the run changed cannot be told; the files themselves are in the folders `upper` and `staging` beside it",
  });
}

function decode(text: string): Plan | undefined {
  try {
    const json: Json = JSON.parse(text);
    if (!isJsonObject(json) || !isJsonObject(json.is) || sumOf(json.is) !== json.sum) return undefined;
    const { steps, lines } = json.is;
    if (!Array.isArray(steps) || !Array.isArray(lines)) return undefined;
    return { steps: steps.map(toStep).filter(isThere), lines: lines.map(toLine).filter(isThere) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // the caller reports it
    throw error;
  }
}

function toStep(json: Json): Step | undefined {
  if (!isJsonObject(json) || typeof json.path !== "string") return undefined;
  const { path, kind, staged } = json;
  if (kind === "staged" && typeof staged === "string") return { path, kind, staged };
  return kind === "gone" || kind === "directory" ? { path, kind } : undefined;
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

/** Removes what was staged or thrown away. */
export async function emptyStaging({ staging }: Places): Promise<void> {
  for (const name of readdirSync(`/proc/self/fd/${staging.fd}`)) {
    await rm(staging.at(name), { recursive: true, force: true });
  }
}
