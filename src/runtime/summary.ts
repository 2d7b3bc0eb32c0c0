import { openRecording } from "../journal/recording.ts";
import type { RunResult } from "../kernel/run.ts";
import type { Digest } from "../model/canonical.ts";
import { BugError, EXIT, type ExitCode } from "../model/errors.ts";
import { RUN_STATES, type RunState } from "../model/phase.ts";
import { ToolError } from "../model/tool.ts";
import type { SpawnResult } from "../tool/ports.ts";
import { type Environment, runFolder } from "./machine.ts";
import type { PendingApproval } from "./pending.ts";

/** What `blueprint run --json` and `pinion run resume --json` print. */
export interface RunSummary {
  readonly run: string;
  readonly state: RunState;
  readonly steps: number;
  readonly blocked: number;
  readonly redactions: number;
  /** Path of the recording, or null when none was asked for. */
  readonly recording: string | null;
  /** Digest of the last line of the journal. */
  readonly head: string;
  readonly blueprint: Digest;
  readonly tokens: { readonly input: number; readonly output: number };
  /** Why the run is in this state. */
  readonly reason: string;
  /** The agent's last text. */
  readonly result: string;
  /** Runs that this one spawned, and theirs. */
  readonly children: readonly string[];
  /** How many paths the run's layer changes; null where it worked on the workspace itself, or in the layer of a parent. */
  readonly changes: number | null;
  /** What it waits for a person to approve, its own and its children's. */
  readonly approvals: readonly PendingApproval[];
  /** Path of the journal. */
  readonly journal: string;
  readonly exit: ExitCode;
}

const EXITS: Readonly<Record<RunState, ExitCode>> = {
  completed: EXIT.ok,
  failed: EXIT.error,
  terminated: EXIT.interrupted,
  // What hooks kept from starting or going on waits for a person.
  pending: EXIT.blocked,
  running: EXIT.error,
  paused: EXIT.blocked,
};

export function summaryOf(
  result: RunResult,
  of: Pick<RunSummary, "run" | "head" | "blueprint" | "children" | "changes" | "approvals" | "journal">,
): RunSummary {
  const { usage, state, reason, blocked, redactions } = result;
  return {
    ...of,
    state,
    reason,
    blocked,
    redactions,
    result: result.result,
    steps: usage.steps,
    tokens: { input: usage.inputTokens, output: usage.outputTokens },
    recording: null,
    exit: waits(state) && of.approvals.length > 0 ? EXIT.approval : EXITS[state],
  };
}

function waits(state: RunState): boolean {
  return state === "paused" || state === "pending";
}

/** What a parent needs to know of a child that has come to rest. */
export type Rested = Pick<RunSummary, "run" | "state" | "reason" | "result" | "children">;

/** What a run that has ended came to, as its last entry says. Throws `BugError` for one that has not. */
export function endOf(run: string, env: Environment): Rested {
  const recording = openRecording(runFolder(env, run));
  try {
    for (const { entry } of recording.entries()) {
      if (entry.kind !== "check.end") continue;
      const { state, reason, result } = entry.body;
      const ended = RUN_STATES.find((known) => known === state);
      if (ended !== undefined)
        return { run, state: ended, reason: String(reason), result: String(result), children: [] };
    }
  } finally {
    recording.close();
  }
  throw new BugError({ code: "not-ended", message: `run \`${run}\` has no end` });
}

/** What the parent's model is told of a child that has come to rest. */
export function spawnResult({ run, state, result, reason }: Rested): SpawnResult {
  if (state === "pending" || state === "running") throw new ToolError("child-not-started", reason);
  return { run, state, answer: result };
}
