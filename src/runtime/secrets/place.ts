import { hash } from "node:crypto";
import { accessSync, constants, lstatSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { holderOf } from "../../journal/lock.ts";
import { ToolError } from "../../model/tool.ts";
import { removeTree } from "../../tool/process/tree/scratch.ts";
import { type Environment, runFolder, temporaryFolder } from "../machine.ts";

/** In memory on every usual Linux (file-hierarchy(7)). */
const SHARED_MEMORY = "/dev/shm";

/** A place for secrets in files of processes that are not confined. */
export interface Place {
  /** The folder; made when it is first asked for. */
  folder(): string;
  /** Removes it. */
  close(): void;
}

/**
 * In memory where the system has a place that is this user's alone, else in the temporary folder of the run. What runs have left
 * there that crashed is removed first.
 */
export function openPlace(run: string, env: Environment): Place {
  const root = rootOf(env);
  if (root === undefined) return { folder: () => temporaryFolder(env, run), close: () => undefined };
  // Runs of another state directory are not known here, and must not be taken for dead.
  const own = join(root, hash("sha256", env.stateDir, "hex").slice(0, 16));
  for (const other of namesIn(own)) {
    if (holderOf(runFolder(env, other)) === undefined) removeTree(join(own, other));
  }
  const folder = join(own, run);
  return {
    folder() {
      makePrivate(root);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return folder;
    },
    close() {
      removeTree(folder);
      if (namesIn(own).length === 0) removeEmpty(own);
    },
  };
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** Another run may have come into it, or have removed it. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!["ENOENT", "ENOTEMPTY"].includes(codeOf(error))) throw error;
  }
}

function rootOf(env: Environment): string | undefined {
  const uid = process.getuid?.();
  const runtime = env.env.XDG_RUNTIME_DIR;
  const candidates = [...(runtime?.startsWith("/") ? [join(runtime, "pinion")] : []), `${SHARED_MEMORY}/pinion-${uid}`];
  return candidates.find((path) => isOurs(path, uid));
}

/** Whether it is a folder that nobody else may enter, or is not there and can be made. */
function isOurs(path: string, uid: number | undefined): boolean {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found !== undefined) return found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0;
    accessSync(dirname(path), constants.W_OK);
    return true;
  } catch (error) {
    if (["ENOENT", "EACCES", "EROFS", "ENOTDIR"].includes(codeOf(error))) return false;
    throw error;
  }
}

/** Nobody can have come first: it is looked at once more. */
function makePrivate(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (isOurs(path, process.getuid?.())) return;
  throw new ToolError("not-started", "the folder for secrets in files is not this user's alone");
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
