import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Glance, glanceAt } from "../journal/glance.ts";
import { holderOf } from "../journal/lock.ts";
import { openRecording } from "../journal/recording.ts";
import { PinionError } from "../model/errors.ts";
import { isJsonObject, type Json } from "../model/json.ts";
import type { RunState } from "../model/phase.ts";
import { type Environment, runFolder, unusable } from "./machine.ts";

/**
 * What a run is to somebody who looks at it from outside. `interrupted`: its journal says that it goes on and no process works
 * on it. `damaged`: its journal cannot be read.
 */
export const SEEN_STATES = [
  "pending",
  "running",
  "interrupted",
  "paused",
  "completed",
  "failed",
  "terminated",
  "damaged",
] as const satisfies readonly (RunState | "interrupted" | "damaged")[];
export type SeenState = (typeof SEEN_STATES)[number];

/** One line of `pinion run list`. */
export interface RunRow {
  readonly run: string;
  readonly state: SeenState;
  /** `name@version` */
  readonly agent: string;
  readonly steps: number;
  /** ms since the epoch; null before the first entry. */
  readonly startedAt: number | null;
  readonly reason: string;
  /** The process that works on it. */
  readonly process: number | null;
  /** The run that spawned it. */
  readonly parent: string | null;
}

export interface RunFilter {
  readonly states?: readonly SeenState[] | undefined;
  /** `name` or `name@version` */
  readonly agent?: string | undefined;
}

/** The runs of this user, the oldest first, as both ends of their journals tell: nothing between is read or verified. */
export async function listRuns(env: Environment, filter: RunFilter = {}): Promise<readonly RunRow[]> {
  const { states, agent } = filter;
  return (await runNames(env))
    .map((run) => rowOf(run, env))
    .filter((row) => states === undefined || states.includes(row.state))
    .filter((row) => agent === undefined || row.agent === agent || row.agent.startsWith(`${agent}@`));
}

export const runsFolder = (env: Environment): string => join(env.stateDir, "runs");

/** The ids of all runs, the oldest first. */
export async function runNames(env: Environment): Promise<readonly string[]> {
  const folder = runsFolder(env);
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return [];
    throw unusable(folder, cause);
  });
  return names.filter((name) => !name.startsWith(".")).sort();
}

/** The ids of the runs that each run spawned itself, the oldest first. */
export async function childrenByParent(env: Environment): Promise<ReadonlyMap<string, readonly string[]>> {
  const children = new Map<string, string[]>();
  for (const run of await runNames(env)) {
    const parent = parentOf(run, env);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), run]);
  }
  return children;
}

/** The runs that a run spawned, each followed by its own. */
export async function childrenBelow(run: string, env: Environment): Promise<readonly string[]> {
  const children = await childrenByParent(env);
  const below = (one: string): readonly string[] =>
    (children.get(one) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(run);
}

/** Undefined for a run that a person started, and for one that is damaged. */
function parentOf(run: string, env: Environment): string | undefined {
  try {
    const parent = glanceAt(runFolder(env, run))?.header.parent;
    return typeof parent === "string" ? parent : undefined;
  } catch (error) {
    if (error instanceof PinionError) return undefined;
    throw error;
  }
}

export function rowOf(run: string, env: Environment): RunRow {
  const folder = runFolder(env, run);
  const nothing = { run, agent: "", steps: 0, startedAt: null, process: null, parent: null };
  try {
    const glance = glanceAt(folder);
    if (glance === undefined) return unbegun(nothing, folder);
    const { header, startedAt, step, reason } = glance;
    const process = isOver(glance.state) ? null : (holderOf(folder)?.pid ?? null);
    const state = seen(glance, process);
    return {
      run,
      agent: agentIn(header),
      steps: step,
      startedAt,
      state,
      reason: state === "interrupted" ? "the process that worked on it is gone" : reason,
      process,
      parent: typeof header.parent === "string" ? header.parent : null,
    };
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    return { ...nothing, state: "damaged", reason: damageOf(folder) ?? error.message };
  }
}

/** Its process is just making it, or was killed while it did. */
function unbegun(nothing: Omit<RunRow, "state" | "reason">, folder: string): RunRow {
  const process = holderOf(folder)?.pid ?? null;
  if (process !== null) return { ...nothing, process, state: "pending", reason: "" };
  return { ...nothing, state: "interrupted", reason: "it was killed before anything of it was on disk" };
}

/** Whether it says that it goes on though nobody is there to go on. */
function seen({ state, vetoed }: Glance, process: number | null): SeenState {
  if (process !== null || isOver(state) || state === "paused") return state;
  return state === "pending" && vetoed ? state : "interrupted";
}

/** All of it is read to say what is wrong with it, and where. */
function damageOf(folder: string): string | undefined {
  try {
    openRecording(folder).close();
    return undefined;
  } catch (error) {
    if (error instanceof PinionError) return error.message;
    throw error;
  }
}

export function isOver(state: SeenState): boolean {
  return state === "completed" || state === "failed" || state === "terminated";
}

export function agentIn({ agent }: { readonly [key: string]: Json }): string {
  return isJsonObject(agent) ? `${String(agent.name)}@${String(agent.version)}` : "";
}
