import type { Digest } from "../model/canonical.ts";
import type { Entry } from "../model/entry.ts";
import type { ExitCode } from "../model/errors.ts";
import type { HookLimits } from "../model/hook.ts";
import type { Phase, Role, RunState } from "../model/phase.ts";
import type { Environment } from "../runtime.ts";

/** One thing that is wrong in a file; line and column from 1, `pointer` by RFC 6901. */
export interface Fault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly pointer: string;
  readonly message: string;
  readonly expected?: string;
}

export type Validation =
  | { readonly ok: true; readonly digest: Digest; readonly name: string; readonly version: string }
  | { readonly ok: false; readonly faults: readonly Fault[] };

export interface BlueprintRow {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly digest: Digest;
  readonly file: string;
}

export interface PinRow {
  readonly kind: string;
  readonly name: string;
  readonly version: string;
  readonly digest: Digest;
}

export interface BlueprintView extends BlueprintRow {
  readonly model: string;
  readonly tools: readonly string[];
  readonly chain: Readonly<Partial<Record<Phase, readonly string[]>>>;
  readonly limits: Readonly<Record<string, number>>;
  readonly pins: readonly PinRow[];
}

export interface RunRow {
  readonly run: string;
  readonly state: RunState | "incomplete";
  readonly agent: string;
  readonly goal?: string;
  readonly steps: number;
  readonly startedAt: number | null;
  readonly reason: string;
}

export interface HookView {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly digest: Digest;
  readonly component: Digest;
  readonly role: Role;
  readonly phases: readonly Phase[];
  readonly limits: HookLimits;
}

/** A recording or a run's journal, as far as it can be read. */
export interface RecordingView {
  readonly run: string;
  readonly kernel: string;
  readonly entries: readonly Entry[];
  /** Whole, cut off, or damaged at a place. */
  readonly state: "whole" | "incomplete" | "damaged";
  readonly message: string;
  readonly head: string;
  readonly exit: ExitCode;
}

/** What src/runtime.ts gives to the command line. */
export interface Runtime {
  listRuns(env: Environment): Promise<readonly RunRow[]>;
  validateBlueprint(file: string, env: Environment): Promise<Validation>;
  listBlueprints(folders: readonly string[], env: Environment): Promise<readonly BlueprintRow[]>;
  listHooks(env: Environment): Promise<readonly HookView[]>;
  showBlueprint(nameOrFile: string, env: Environment): Promise<BlueprintView>;
}

/** What harness/ gives to the command line. */
export interface Harness {
  showRecording(fileOrRun: string, env: Environment): Promise<RecordingView>;
}
