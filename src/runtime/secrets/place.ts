import { hash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { holderOf } from "../../journal/lock.ts";
import { removeTree } from "../../tool/process/tree/scratch.ts";
import { type Environment, runFolder, temporaryFolder } from "../machine.ts";

/** In memory on every usual Linux (file-hierarchy(7)). */
const SHARED_MEMORY = "/dev/shm";

/**
 * A folder for secrets in files of processes that are not confined: in memory where the system has a place that is this user's
 * alone, else in the temporary folder of the run. `close` removes it. What runs have left that crashed is removed first.
 */
export function openPlace(run: string, env: Environment): { readonly folder: string; close(): void } {
  const root = rootOf(env);
  if (root === undefined) return { folder: temporaryFolder(env, run), close: () => undefined };
  // Runs of another state directory are not known here, and must not be taken for dead.
  const own = join(root, hash("sha256", env.stateDir, "hex").slice(0, 16));
  mkdirSync(own, { recursive: true, mode: 0o700 });
  for (const other of readdirSync(own)) {
    if (holderOf(runFolder(env, other)) === undefined) removeTree(join(own, other));
  }
  const folder = join(own, run);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return { folder, close: () => removeTree(folder) };
}

function rootOf(env: Environment): string | undefined {
  const uid = process.getuid?.();
  const runtime = env.env.XDG_RUNTIME_DIR;
  const candidates = [...(runtime?.startsWith("/") ? [join(runtime, "pinion")] : []), `${SHARED_MEMORY}/pinion-${uid}`];
  return candidates.find((path) => isOurs(path, uid));
}

/** Whether it is, or could be made, a folder that nobody else may enter. */
function isOurs(path: string, uid: number | undefined): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) return false;
  }
  const found = lstatSync(path);
  return found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0;
}
