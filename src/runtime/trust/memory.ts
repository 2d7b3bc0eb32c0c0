import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { makeFolder, realDisk, writeWhole } from "../../journal/disk.ts";
import { type Lock, lock } from "../../journal/lock.ts";
import { canonicalJson } from "../../model/canonical.ts";
import { InputError, IntegrityError, WorldError } from "../../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../model/json.ts";
import { readGuardedFile } from "../guarded.ts";
import { type Environment, unusable } from "../machine.ts";

/** What this user's machine has seen of signatures, so that nothing goes back: neither versions nor time. */
export interface Memory {
  /** The latest moment at which a signature was looked at, ms since the epoch. */
  readonly time: number;
  /** The highest version of each hook that was trusted. */
  readonly versions: Readonly<Record<string, string>>;
  /** What people had forgotten, deliberately. */
  readonly forgotten: readonly Forgotten[];
}

export interface Forgotten {
  /** The hook, or null for the time. */
  readonly hook: string | null;
  readonly was: string;
  readonly reason: string;
  readonly by: string;
  /** ms since the epoch. */
  readonly at: number;
}

const NOTHING: Memory = { time: 0, versions: {}, forgotten: [] };
const MAX_BYTES = 4 * 1024 * 1024;
const PATIENCE_MS = 10_000;
const MOMENT_MS = 5;

/** Throws `IntegrityError` when the file holds something else, or others may have written it. */
export function recall(env: Pick<Environment, "stateDir">): Memory {
  const file = memoryFile(env);
  const bytes = readGuardedFile(file, { what: "the memory of signatures", limit: MAX_BYTES });
  if (bytes === undefined) return NOTHING;
  const memory = toMemory(Buffer.from(bytes).toString());
  if (memory !== undefined) return memory;
  throw new IntegrityError({
    code: "bad-trust-memory",
    message: `\`${file}\` does not hold the versions of hooks that were seen`,
    hint: "move the file away; then older versions of signed hooks are taken until newer ones have been seen again",
  });
}

/** Changes the memory, alone. What `change` returns is on disk when this resolves; undefined changes nothing. Throws as `exclusively` does. */
export function remember<T>(
  env: Environment,
  change: (memory: Memory) => { readonly memory?: Memory | undefined; readonly answer: T },
): Promise<T> {
  return exclusively(env, async () => {
    const before = recall(env);
    const { memory, answer } = change(before);
    if (memory !== undefined && canonicalJson(memory) !== canonicalJson(before)) {
      await writeWhole(realDisk, memoryFile(env), Buffer.from(`${canonicalJson(memory)}\n`));
    }
    return answer;
  });
}

/**
 * Works on what this user trusts, alone: those of other processes and of this one wait for each other, at most 10 s. Throws
 * `WorldError` for longer, and when the folder cannot be used.
 */
export async function exclusively<T>(env: Environment, work: () => Promise<T>): Promise<T> {
  const folder = trustFolder(env);
  try {
    await makeFolder(realDisk, folder);
  } catch (cause) {
    throw unusable(env.stateDir, cause);
  }
  const held = await alone(folder, env);
  try {
    return await work();
  } finally {
    held.release();
  }
}

async function alone(folder: string, env: Environment): Promise<Lock> {
  for (const end = env.monotonic() + PATIENCE_MS; ; await pause(MOMENT_MS)) {
    try {
      return lock(folder);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      if (env.monotonic() < end) continue;
      const message = `the folder \`${folder}\` is held by another process: ${error.message}`;
      throw new WorldError({ code: "trust-busy", message, hint: "try again", cause: error });
    }
  }
}

const trustFolder = ({ stateDir }: Pick<Environment, "stateDir">): string => join(stateDir, "trust");
const memoryFile = (env: Pick<Environment, "stateDir">): string => join(trustFolder(env), "seen.json");

function toMemory(text: string): Memory | undefined {
  const json = parsed(text);
  if (!isJsonObject(json) || Object.keys(json).join() !== "forgotten,time,versions") return undefined;
  const { time, versions, forgotten } = json;
  if (typeof time !== "number" || !isJsonObject(versions) || !Array.isArray(forgotten)) return undefined;
  if (!Object.values(versions).every((version) => typeof version === "string")) return undefined;
  if (!(forgotten as readonly Json[]).every(isJsonObject)) return undefined;
  return {
    time,
    versions: versions as Record<string, string>,
    forgotten: forgotten as unknown as readonly Forgotten[],
  };
}

function parsed(text: string): JsonObject | undefined {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return undefined; // the caller says that it is none
  }
}
