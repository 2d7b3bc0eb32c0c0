import type { RunResult } from "../kernel/run.ts";
import type { Digest } from "../model/canonical.ts";
import { EXIT, type ExitCode } from "../model/errors.ts";
import type { RunState } from "../model/phase.ts";
import { ToolError } from "../model/tool.ts";
import type { SpawnResult } from "../tool/ports.ts";

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
  of: Pick<RunSummary, "run" | "head" | "blueprint" | "children" | "changes" | "journal">,
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
    exit: EXITS[state],
  };
}

/** What the parent's model is told of a child that has come to rest. */
export function spawnResult({ run, state, result, reason }: RunSummary): SpawnResult {
  if (state === "pending" || state === "running") throw new ToolError("child-not-started", reason);
  return { run, state, answer: result };
}
