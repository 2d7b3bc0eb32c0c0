import { RecordingEnds } from "../journal/divergence.ts";
import { replayJournal } from "../journal/open.ts";
import type { Recording } from "../journal/recording.ts";
import type { Start } from "../kernel/run.ts";
import { BugError, InputError } from "../model/errors.ts";

/**
 * The sealed first entry of a run, read as a replay would; closes the recording. Throws `SealedError` without the key of the
 * run, and `InputError` when the run was killed before the entry was on disk.
 */
export async function readStart(recording: Recording, key: Uint8Array | undefined): Promise<Start> {
  const { run, depth = 0 } = recording.header;
  const journal = replayJournal(recording, key);
  try {
    const start = await journal.input<Start>({
      kind: "input.start",
      ref: { run, depth },
      request: null,
      perform: () =>
        Promise.reject(new BugError({ code: "replay-performed", message: "a replay performed something" })),
    });
    if (start.kind === "ok") return start.value;
    throw neverStarted(run);
  } catch (error) {
    throw error instanceof RecordingEnds ? neverStarted(run) : error;
  } finally {
    await journal.close();
  }
}

function neverStarted(run: string): InputError {
  return new InputError({
    code: "not-started",
    message: `run \`${run}\` was killed before anything of it was on disk: there is nothing to go on with`,
    hint: "start it again with `blueprint run`",
  });
}

/** Throws `InputError` for what cannot be the id of a run, before it becomes part of a path. */
export function mustBeRun(run: string): string {
  if (/^[A-Za-z0-9-]{1,64}$/.test(run)) return run;
  throw new InputError({
    code: "no-such-run",
    message: `\`${run}\` is not the id of a run`,
    hint: "`pinion run list` names them",
  });
}
