import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { openRecording } from "../journal/recording.ts";
import { PinionError } from "../model/errors.ts";
import { isJsonObject } from "../model/json.ts";
import { RUN_STATES, type RunState } from "../model/phase.ts";
import { type Environment, runFolder, unusable } from "./machine.ts";

/** One line of `pinion run list`. */
export interface RunRow {
  readonly run: string;
  /** What its journal says last; `damaged` when it cannot be read. A run that is still going, or was killed, is `running`. */
  readonly state: RunState | "damaged";
  readonly agent: string;
  readonly steps: number;
  /** ms since the epoch; null before the first entry. */
  readonly startedAt: number | null;
  readonly reason: string;
}

/** Every run of this user, the oldest first, read from the journals. */
export async function listRuns(env: Environment): Promise<readonly RunRow[]> {
  const folder = join(env.stateDir, "runs");
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return [];
    throw unusable(folder, cause);
  });
  return names.sort().map((run) => rowOf(run, env));
}

function rowOf(run: string, env: Environment): RunRow {
  const row = {
    run,
    agent: "",
    steps: 0,
    startedAt: null as number | null,
    reason: "",
    state: "pending" as RunRow["state"],
  };
  try {
    const recording = openRecording(runFolder(env, run));
    try {
      const { agent } = recording.header;
      if (isJsonObject(agent)) row.agent = `${String(agent.name)}@${String(agent.version)}`;
      for (const { entry } of recording.entries()) {
        row.startedAt ??= entry.at ?? null;
        const { step, to, reason } = entry.body;
        if (entry.kind === "check.boundary" && typeof step === "number") row.steps = step;
        if (entry.kind !== "check.state") continue;
        row.state = RUN_STATES.find((state) => state === to) ?? "damaged";
        row.reason = String(reason);
      }
    } finally {
      recording.close();
    }
    return row;
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    return { ...row, state: "damaged", reason: error.message };
  }
}
