import type { Digest } from "../model/canonical.ts";
import type { Entry } from "../model/entry.ts";
import type { ExitCode } from "../model/errors.ts";
import type { HookLimits } from "../model/hook.ts";
import type { Phase, Role, RunState } from "../model/phase.ts";

/** Everything that the command line takes from the machine, read once and passed down. */
export interface Environment {
  /** `$XDG_DATA_HOME/pinion`: the artifact store. */
  readonly dataDir: string;
  /** `$XDG_STATE_HOME/pinion`: runs and keys. */
  readonly stateDir: string;
  /** `$XDG_CACHE_HOME/pinion`: whatever can be made again. */
  readonly cacheDir: string;
  /** Environment variables, for the keys of providers. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** ms since the epoch. */
  now(): number;
  /** Cryptographically strong. */
  random(bytes: number): Uint8Array;
}

export interface RunOptions {
  readonly file: string;
  readonly goal: string;
  readonly workspace: string;
  /** `<provider>:<id>`, instead of the blueprint's `spec.runtime`. */
  readonly model?: string | undefined;
  readonly baseUrl?: string | undefined;
  /** Where to write the recording. */
  readonly record?: string | undefined;
}

export interface Watching {
  readonly signal: AbortSignal;
  /** Called with every entry once it is durable, in order. */
  onEntry(entry: Entry): void;
  /** Something that a person should know, e.g. that tools run unconfined. */
  onNotice(text: string): void;
}

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
  /** Runs that this one spawned. */
  readonly children: readonly string[];
  /** Path of the journal. */
  readonly journal: string;
  readonly exit: ExitCode;
}

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

/** What replay answers, in the words of the design. */
export type ReplayWord = "identical" | "identical-except-sealed" | "diverged" | "incomplete" | "damaged";

export interface ReplayResult {
  readonly answer: ReplayWord;
  /** One sentence for people. */
  readonly message: string;
  readonly run: string;
  readonly entries: number;
  readonly steps: number;
  /** Inputs whose bodies could not be opened. */
  readonly sealed: number;
  readonly elapsedMs: number;
  readonly divergence?: {
    readonly seq: number;
    readonly phase?: string;
    readonly hook?: string;
    readonly expected: string;
    readonly found: string;
  };
  readonly exit: ExitCode;
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
  runBlueprint(options: RunOptions & Watching, env: Environment): Promise<RunSummary>;
  resumeRun(options: { readonly run: string } & Watching, env: Environment): Promise<RunSummary>;
  rearmHook(
    request: { readonly run: string; readonly hook: string; readonly reason: string },
    env: Environment,
  ): Promise<void>;
  listRuns(env: Environment): Promise<readonly RunRow[]>;
  validateBlueprint(file: string, env: Environment): Promise<Validation>;
  listBlueprints(folders: readonly string[], env: Environment): Promise<readonly BlueprintRow[]>;
  listHooks(env: Environment): Promise<readonly HookView[]>;
  showBlueprint(nameOrFile: string, env: Environment): Promise<BlueprintView>;
}

/** What harness/ gives to the command line. */
export interface Harness {
  replayRecording(
    file: string,
    options: { readonly key?: string | undefined; readonly artifacts?: readonly string[] | undefined },
    env: Environment,
  ): Promise<ReplayResult>;
  showRecording(fileOrRun: string, env: Environment): Promise<RecordingView>;
}
