import { existsSync } from "node:fs";
import { resolve as absolute } from "node:path";
import { type Environment, runFolder } from "../src/index.ts";

/** Where a recording is: a file, a run's folder, or, where there is no such path, a run of this user by its id. */
export function locateRecording(fileOrRun: string, env: Environment): string {
  const path = absolute(env.cwd, fileOrRun);
  const run = runFolder(env, fileOrRun);
  return !existsSync(path) && /^[A-Za-z0-9-]{1,64}$/.test(fileOrRun) && existsSync(run) ? run : path;
}
