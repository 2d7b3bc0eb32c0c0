import { realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ResolvedBlueprint } from "../blueprint/resolve.ts";
import { makeFolder, realDisk } from "../journal/disk.ts";
import { lock } from "../journal/lock.ts";
import { InputError } from "../model/errors.ts";
import type { Workspace } from "../tool/ports.ts";
import type { Directory } from "../vfs/directory.ts";
import { openHostDirectory } from "../vfs/host.ts";
import { openOverlay } from "../vfs/overlay/open.ts";
import type { Overlay, Quota } from "../vfs/overlay/overlay.ts";
import { type Environment, runFolder } from "./machine.ts";
import type { Header } from "./spec.ts";

/** The files of a run: the workspace itself, or a layer over it. */
export interface RunFiles {
  /** A handle of the whole; close it. */
  open(): Directory & Workspace;
  /** Undefined where the run works on the workspace itself. */
  readonly overlay: Overlay | undefined;
  close(): void;
}

const QUOTA: Quota = { bytes: 1024 ** 3, files: 100_000 };

/** Where a run keeps the layer of its overlay. */
export const layerFolder = (env: Environment, run: string): string => join(runFolder(env, run), "overlay");

/** The files that a run works on, as its header says. */
export async function filesOf(
  env: Environment,
  run: { readonly header: Header; readonly resolved: ResolvedBlueprint; readonly workspace: string },
): Promise<RunFiles> {
  const { header, resolved, workspace } = run;
  requireApart(env, workspace);
  if (header.layer === null) return directFiles(workspace);
  return layeredFiles(env, { run: header.layer, workspace, quota: resolved.execution.filesystem.quota });
}

/**
 * Throws `InputError` when something of Pinion's own is in the workspace, or would be once it is made, or the workspace in it: an
 * agent could read the keys of runs, and write what later runs are told by configuration.
 */
export function requireApart({ stateDir, dataDir, cacheDir, configDirs }: Environment, workspace: string): void {
  const files = real(workspace);
  const own = [stateDir, dataDir, cacheDir, ...configDirs];
  const inside = own.find((folder) => isBelow(real(folder), files));
  const around = own.find((folder) => isBelow(files, real(folder)));
  if (inside === undefined && around === undefined) return;
  const what =
    inside === undefined
      ? `lies in a folder of Pinion's own, \`${around}\``
      : `holds a folder of Pinion's own, \`${inside}\``;
  throw new InputError({
    code: "state-in-workspace",
    message: `the workspace \`${workspace}\` ${what}`,
    hint: "choose another workspace, or set XDG_STATE_HOME, XDG_DATA_HOME, XDG_CACHE_HOME and XDG_CONFIG_HOME to folders outside of it",
  });
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? folder : `${folder}/`);
}

/** Links resolved as far as there is something. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path === dirname(path) ? path : join(real(dirname(path)), basename(path));
  }
}

/** Works on the workspace itself. */
export function directFiles(workspace: string): RunFiles {
  return {
    open: () => openHostDirectory(workspace, { actions: ["read", "write"] }),
    overlay: undefined,
    close: () => undefined,
  };
}

/**
 * Works in the layer of a run, which is made when it is not there. Nobody else can open it until it is closed. Throws
 * `InputError` when somebody else has it, or there is no such workspace.
 */
export async function layeredFiles(
  env: Environment,
  layer: { readonly run: string; readonly workspace: string; readonly quota?: Partial<Quota> | undefined },
): Promise<RunFiles> {
  const folder = layerFolder(env, layer.run);
  await makeFolder(realDisk, folder);
  const held = lock(folder);
  try {
    const overlay = await openOverlay({ base: layer.workspace, folder, quota: { ...QUOTA, ...layer.quota } });
    return {
      open: () => overlay.open(["read", "write"]),
      overlay,
      close() {
        overlay.close();
        held.release();
      },
    };
  } catch (error) {
    held.release();
    throw error;
  }
}
