import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { checkpointFile } from "../journal/checkpoints.ts";
import { RecordingEnds } from "../journal/divergence.ts";
import { glanceAt } from "../journal/glance.ts";
import { replayJournal } from "../journal/open.ts";
import type { Recording } from "../journal/recording.ts";
import type { Start } from "../kernel/run.ts";
import type { Digest } from "../model/canonical.ts";
import { BugError, InputError } from "../model/errors.ts";
import type { AgentBlueprint, Pin } from "../model/generated/blueprint.ts";

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

type Pins = AgentBlueprint["spec"]["pins"];

/** What has become of the file that a run was started from. It is only looked at, never used. */
export type SourceFile =
  | { readonly file: string; readonly is: "same" | "changed" | "gone" }
  /** A child has none of its own. */
  | null;

/** `source`: the digest that the run is pinned to. */
export async function lookAtSource({ file }: Start, source: Digest): Promise<SourceFile> {
  if (typeof file !== "string") return null;
  const found = await digestOfFile(file);
  return { file, is: found === undefined ? "gone" : found === source ? "same" : "changed" };
}

/**
 * A line for each file that is no longer what it was, of the blueprint and of what it pins, for who resumes its run. `pins` is what
 * the run is pinned to.
 */
export async function sourceNotices(start: Start, source: Digest, pins: Pins): Promise<readonly string[]> {
  const { file } = start;
  if (typeof file !== "string") return [];
  const own = { path: file, digest: source };
  const pinned = [pins.policy, pins.tools, pins.pipeline, ...Object.values(pins).filter(Array.isArray).flat()].flatMap(
    (pin: Pin | undefined) =>
      pin === undefined || pin.source.startsWith("builtin:")
        ? []
        : [{ path: join(dirname(file), pin.source), digest: pin.digest }],
  );
  const found = await Promise.all(
    [own, ...pinned].map(async ({ path, digest }) => ({ path, digest, now: await digestOfFile(path) })),
  );
  return found
    .filter(({ digest, now }) => now !== digest)
    .map(({ path, digest, now }) => {
      const what = now === undefined ? "is no longer there" : "has changed since the run started";
      return `\`${path}\` ${what}; the run goes on with what it was started with, ${digest}`;
    });
}

async function digestOfFile(file: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(file, { end: MOST }), hash);
  } catch {
    return undefined; // not there, or not to be read: gone either way
  }
  return `sha256:${hash.digest("hex")}`;
}

/** No blueprint is as large; what is cannot be the same. */
const MOST = 16 * 1024 * 1024;

/** Whether a run was killed before its first entry was on disk. One of which there is a checkpoint has lost what it was. */
export function wasNeverStarted(folder: string): boolean {
  return (glanceAt(folder)?.startedAt ?? null) === null && !existsSync(checkpointFile(folder));
}

/** What is said of a run that was killed while it was made. */
export function neverStarted(run: string): InputError {
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
