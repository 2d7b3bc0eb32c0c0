import { existsSync, statSync } from "node:fs";
import { resolve as absolute } from "node:path";
import { SealedError } from "../../journal/divergence.ts";
import { readRunKey } from "../../journal/keys.ts";
import { openRecording } from "../../journal/recording.ts";
import { journalFile } from "../../journal/store.ts";
import { InputError } from "../../model/errors.ts";
import type { JsonObject } from "../../model/json.ts";
import { mustBeRun, readStart } from "../begun.ts";
import { type Environment, keyFile, runFolder } from "../machine.ts";
import { layerFolder } from "../workspace.ts";

/** Where the layer of a run is, and the workspace under it. */
export interface Located {
  readonly run: string;
  /** Of the run: what is locked. */
  readonly folder: string;
  /** Undefined for a run with a layer in which nothing was ever written. */
  readonly layer: string | undefined;
  /** Absolute; there is a directory. */
  readonly workspace: string;
}

/**
 * Finds both, reading nothing but the journal of the run. Throws `InputError` for a run that does not exist, has no layer of
 * its own, or whose workspace cannot be found; `DamagedError` for a damaged journal.
 */
export async function locate(
  options: { readonly run: string; readonly workspace?: string | undefined },
  env: Environment,
): Promise<Located> {
  const run = mustBeRun(options.run);
  const folder = runFolder(env, run);
  if (!existsSync(journalFile(folder))) {
    throw new InputError({
      code: "no-such-run",
      message: `there is no run \`${run}\``,
      hint: "`pinion run list` names them",
    });
  }
  mustHaveLayer(run, headerIn(folder));
  const layer = layerFolder(env, run);
  const workspace = options.workspace ?? (await workspaceOf(run, folder, env));
  return {
    run,
    folder,
    layer: existsSync(layer) ? layer : undefined,
    workspace: mustBeThere(run, absolute(env.cwd, workspace)),
  };
}

async function workspaceOf(run: string, folder: string, env: Environment): Promise<string> {
  try {
    return (await readStart(openRecording(folder), readRunKey(keyFile(env, run)))).workspace;
  } catch (error) {
    if (!(error instanceof SealedError)) throw error;
    throw new InputError({
      code: "workspace-sealed",
      message: `the key of run \`${run}\` is gone, and with it the path of its workspace`,
      hint: "say where the workspace is with `--workspace`",
    });
  }
}

/** Throws for a run whose changes are not in a layer of its own. One in which nothing was ever written has no folder yet. */
function mustHaveLayer(run: string, header: JsonObject): void {
  const { layer } = header;
  if (layer === run) return;
  if (typeof layer === "string") {
    throw new InputError({
      code: "child-run",
      message: `run \`${run}\` has no changes of its own: what it changed is in the layer of run \`${layer}\`, which it is a child of`,
      hint: `look there: pinion run diff ${layer}`,
    });
  }
  throw new InputError({
    code: "direct-run",
    message: `run \`${run}\` works in the workspace itself: what it changed is there already, and nothing is kept to undo it`,
    hint: "with `execution.filesystem.mode: overlay` in its blueprint, a run's changes wait for a person's decision",
  });
}

function headerIn(folder: string): JsonObject {
  const recording = openRecording(folder);
  recording.close();
  return recording.header;
}

function mustBeThere(run: string, workspace: string): string {
  if (statSync(workspace, { throwIfNoEntry: false })?.isDirectory() === true) return workspace;
  throw new InputError({
    code: "workspace-gone",
    message: `the workspace of run \`${run}\` is not at \`${workspace}\` any more`,
    hint: "if it was moved, say where it is now with `--workspace`",
  });
}
