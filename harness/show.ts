import { DamagedError, type Entry, type Environment, EXIT, type ExitCode, openRecording } from "../src/index.ts";
import { locateRecording } from "./locate.ts";

/** A recording or a run's journal, as far as it can be read. */
export interface RecordingView {
  readonly run: string;
  readonly kernel: string;
  readonly entries: readonly Entry[];
  /** Whole, cut off (a killed run, a cut file), or damaged at a place. */
  readonly state: "whole" | "incomplete" | "damaged";
  readonly message: string;
  readonly head: string;
  readonly exit: ExitCode;
}

/**
 * Reads a recording, a run's folder, or a run by its id, and verifies it. What is damaged shows nothing, since nothing of it
 * can be trusted. Throws `InputError` for what is no recording.
 */
export function showRecording(fileOrRun: string, env: Environment): RecordingView {
  try {
    const recording = openRecording(locateRecording(fileOrRun, env));
    try {
      const { header, count, head, cut, torn } = recording;
      const entries = [...recording.entries()].map(({ entry }) => entry);
      const paused = entries.findLast((entry) => entry.kind === "check.state")?.body.to === "paused";
      const whole = !cut && (recording.complete || paused || entries.at(-1)?.body.to === "pending");
      const lost = torn === 0 ? "" : `, and ${torn} bytes of one that was not finished`;
      const message = whole
        ? `${count} entries, verified`
        : `${count} whole entries${lost}; the run was interrupted, or the file was cut`;
      const state = whole ? "whole" : "incomplete";
      return { run: header.run, kernel: header.kernel, entries, state, message, head, exit: EXIT.ok };
    } finally {
      recording.close();
    }
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
    return {
      run: "",
      kernel: "",
      entries: [],
      state: "damaged",
      message: error.message,
      head: "",
      exit: EXIT.integrity,
    };
  }
}
