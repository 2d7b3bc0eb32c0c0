import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { realDisk, syncFolder } from "../journal/disk.ts";
import { holderOf, lock } from "../journal/lock.ts";
import { InputError } from "../model/errors.ts";
import { removeTree } from "../tool/process/tree/scratch.ts";
import { mustBeRun, wasNeverStarted } from "./begun.ts";
import { heldChanges } from "./held.ts";
import { type Environment, keyFile, keyFolder, runFolder, temporaryFolder, unusable } from "./machine.ts";
import { childrenByParent, isOver, rowOf, runNames, runsFolder } from "./runs.ts";

/** The folder of a run that has been removed, until all of it is gone. */
const REMOVED = ".removed-";

export interface Removed {
  readonly removed: readonly string[];
}

/**
 * Removes runs for good, each with its children: journal, blobs, key. Artifacts in the store stay. Without `force` only runs that
 * have ended or never started and whose changes somebody has decided on; a run that a process works on never. Throws `InputError` before anything
 * is removed when one of them may not be.
 */
export async function removeRuns(
  runs: readonly string[],
  { force }: { readonly force: boolean },
  env: Environment,
): Promise<Removed> {
  await sweepRemoved(env);
  const all = new Set<string>();
  const known = new Set(await runNames(env));
  const children = await childrenByParent(env);
  for (const run of runs) {
    if (!known.has(mustBeRun(run))) throw noSuchRun(run, env);
    addFamily(run, children, all);
  }
  for (const run of all) await mustBeRemovable(run, force, env);
  // The youngest first, so that a crash leaves no child without its parent.
  const removed = [...all].sort().reverse();
  for (const run of removed) await remove(run, env);
  return { removed };
}

/** Finishes what a crash in the middle of a removal has left. */
export async function sweepRemoved(env: Environment): Promise<void> {
  const folder = runsFolder(env);
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return [];
    throw unusable(folder, cause);
  });
  for (const name of names) if (name.startsWith(REMOVED)) await erase(name, env);
}

/** Removes the folder of a run of which there is no entry, since what it needs is not to be had: it never was a run. */
export async function removeUnbegun(run: string, env: Environment): Promise<void> {
  if (wasNeverStarted(runFolder(env, run))) await remove(run, env);
}

/** From its new name on, the run is no run any more; whoever reads it may read it to its end. */
async function remove(run: string, env: Environment): Promise<void> {
  const folder = runFolder(env, run);
  const held = lock(folder);
  const name = `${REMOVED}${run}`;
  try {
    await rename(folder, join(runsFolder(env), name));
  } catch (error) {
    held.release();
    throw error;
  }
  await syncFolder(realDisk, runsFolder(env));
  await erase(name, env);
}

/** The key first: while the folder is there, its name says whose key is to go. */
async function erase(name: string, env: Environment): Promise<void> {
  const run = name.slice(REMOVED.length);
  const key = keyFile(env, run);
  try {
    await rm(key, { force: true });
    if ((await readdir(keyFolder(env)).catch(() => [])).length > 0) await syncFolder(realDisk, keyFolder(env));
    removeTree(temporaryFolder(env, run));
    await rm(join(runsFolder(env), name), { recursive: true, force: true });
  } catch (cause) {
    throw unusable(runsFolder(env), cause);
  }
}

/** The run, its children, and theirs. */
function addFamily(run: string, children: ReadonlyMap<string, readonly string[]>, into: Set<string>): void {
  if (into.has(run)) return;
  into.add(run);
  for (const child of children.get(run) ?? []) addFamily(child, children, into);
}

async function mustBeRemovable(run: string, force: boolean, env: Environment): Promise<void> {
  const { state } = rowOf(run, env);
  const holder = holderOf(runFolder(env, run));
  if (holder !== undefined) {
    throw new InputError({
      code: "run-live",
      message: `run \`${run}\` cannot be removed: process ${holder.pid} works on it`,
      hint: `end it first: \`pinion run terminate ${run}\``,
    });
  }
  if (force || (state === "interrupted" && wasNeverStarted(runFolder(env, run)))) return;
  if (!isOver(state)) {
    throw new InputError({
      code: "not-ended",
      message: `run \`${run}\` has not ended, it is \`${state}\`: removing it would lose what it could still do`,
      hint: "end it with `pinion run terminate`, or remove it all the same with `--force`",
    });
  }
  const held = await heldChanges(run, env);
  if (held === undefined) return;
  throw new InputError({
    code: "changes-held",
    message: `run \`${run}\` holds changes${held.paths === null ? "" : ` of ${held.paths} paths`} that nobody has committed or discarded`,
    hint: `look with \`pinion run diff ${run}\`, or remove them with the run by \`--force\``,
  });
}

function noSuchRun(run: string, env: Environment): InputError {
  const message = `there is no run \`${run}\` in \`${runsFolder(env)}\``;
  return new InputError({ code: "no-such-run", message, hint: "`pinion run list` names them" });
}
