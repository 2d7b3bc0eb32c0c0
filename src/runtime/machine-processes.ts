import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type ProcessLayer, surveyProcesses } from "../tool/process/survey.ts";
import { unusable } from "./machine.ts";

export type { ProcessLayer } from "../tool/process/survey.ts";

/** What confines the processes that tools start on this machine. Throws `WorldError` when the state folder cannot be used. */
export async function processLayers(stateDir: string): Promise<readonly ProcessLayer[]> {
  const folder = join(stateDir, "tmp");
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unusable(folder, cause);
  }
  return surveyProcesses(folder);
}
