import { resolve as absolute, dirname, join } from "node:path";
import {
  DamagedError,
  type Environment,
  EXIT,
  type ExitCode,
  openRecording,
  type Recording,
  type Reexecuted,
  reexecute,
} from "../src/index.ts";
import { runKeyOf } from "./key.ts";
import { locateRecording } from "./locate.ts";

/** What a replay answers (design, §5). */
export interface ReplayResult {
  readonly answer: "identical" | "identical-except-sealed" | "diverged" | "incomplete" | "damaged";
  /** One sentence for people. */
  readonly message: string;
  readonly run: string;
  /** Entries that were compared or answered from. */
  readonly entries: number;
  readonly steps: number;
  /** Inputs that could not be opened, since the run's key is not here. */
  readonly sealed: number;
  readonly divergence?: {
    readonly seq: number;
    readonly kind: string;
    readonly phase?: string;
    readonly hook?: string;
    readonly expected: string;
    readonly found: string;
  };
  readonly exit: ExitCode;
}

export interface ReplayOptions {
  /** File with the run's key; otherwise `<recording>.key` beside the recording, or the key that this machine keeps. */
  readonly key?: string | undefined;
  /** Further folders with artifacts by digest; `artifacts` beside the recording is always one. */
  readonly artifacts?: readonly string[] | undefined;
  readonly onNotice?: (text: string) => void;
}

/**
 * Runs a recording (or a run, by its folder or id) again without model, network and workspace, every hook re-executed, and says
 * what differs. Throws `InputError` for what is no recording, a key or an artifact that is not to be had.
 */
export async function replayRecording(file: string, options: ReplayOptions, env: Environment): Promise<ReplayResult> {
  const path = locateRecording(file, env);
  let recording: Recording;
  try {
    recording = openRecording(path);
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
    return {
      answer: "damaged",
      message: error.message,
      run: "",
      entries: 0,
      steps: 0,
      sealed: 0,
      exit: EXIT.integrity,
    };
  }
  const { run } = recording.header;
  const { cut } = recording;
  const key = keyOf(recording, path, options.key, env);
  const artifacts = [join(dirname(path), "artifacts"), ...(options.artifacts ?? []).map((at) => absolute(env.cwd, at))];
  const onNotice = options.onNotice ?? (() => undefined);
  return { run, ...answerOf(await reexecute(recording, { key, artifacts, onNotice }, env), cut) };
}

function answerOf(done: Reexecuted, cut: boolean): Omit<ReplayResult, "run"> {
  const { entries, steps } = done;
  if (done.kind === "diverged") {
    const { seq, kind, phase, hook, expected, found } = done.error.difference;
    const at = { ...(phase === undefined ? {} : { phase }), ...(hook === undefined ? {} : { hook }) };
    const divergence = { seq, kind, ...at, expected, found };
    return {
      answer: "diverged",
      message: done.error.message,
      entries,
      steps,
      sealed: 0,
      divergence,
      exit: EXIT.diverged,
    };
  }
  if (done.kind === "incomplete" || cut) {
    const message =
      done.kind === "incomplete"
        ? done.error.message
        : "the recording has no end marker: what is there is identical, and something may be missing";
    return { answer: "incomplete", message, entries, steps, sealed: 0, exit: EXIT.diverged };
  }
  const { result, sealed } = done;
  const message = `${entries} entries, ${steps} steps; the run is ${result.state}: ${result.reason}`;
  if (sealed === 0) return { answer: "identical", message, entries, steps, sealed, exit: EXIT.ok };
  const unasked = `${message}; without the run's key hooks were not asked again, and their boundaries were taken as recorded`;
  return { answer: "identical-except-sealed", message: unasked, entries, steps, sealed, exit: EXIT.ok };
}

/** Closes the recording when there is no key where one was asked for. */
function keyOf(
  recording: Recording,
  path: string,
  given: string | undefined,
  env: Environment,
): Uint8Array | undefined {
  try {
    return runKeyOf(recording, path, given, env);
  } catch (error) {
    recording.close();
    throw error;
  }
}
