import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { RecordingEnds } from "../journal/divergence.ts";
import { readRunKey, runKeyFile } from "../journal/keys.ts";
import { replayJournal } from "../journal/open.ts";
import { openRecording } from "../journal/recording.ts";
import type { Start } from "../kernel/run.ts";
import type { Digest } from "../model/canonical.ts";
import { BugError, InputError } from "../model/errors.ts";
import { type Environment, keyFolder } from "./machine.ts";

/** What a run began with: the sealed first entry, read as a replay would. Throws `InputError` when it never began, or its key is gone. */
export async function readStart(
  folder: string,
  header: { readonly run: string; readonly depth: number },
  env: Environment,
): Promise<Start> {
  const journal = replayJournal(openRecording(folder), readRunKey(runKeyFile(keyFolder(env), header.run)));
  try {
    const start = await journal.input<Start>({
      kind: "input.start",
      ref: { run: header.run, depth: header.depth },
      request: null,
      perform: () =>
        Promise.reject(new BugError({ code: "replay-performed", message: "a replay performed something" })),
    });
    if (start.kind === "ok") return start.value;
    throw neverStarted(header.run);
  } catch (error) {
    throw error instanceof RecordingEnds ? neverStarted(header.run) : error;
  } finally {
    await journal.close();
  }
}

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

/** A line for who resumes a run whose file is no longer what it was; undefined when there is nothing to say. */
export async function sourceNotice(start: Start, source: Digest): Promise<string | undefined> {
  const found = await lookAtSource(start, source);
  if (found === null || found.is === "same") return undefined;
  const what = found.is === "gone" ? "is no longer there" : "has changed since the run started";
  return `\`${found.file}\` ${what}; the run goes on with what it was started with, ${source}`;
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

function neverStarted(run: string): InputError {
  return new InputError({
    code: "not-started",
    message: `run \`${run}\` was killed before anything of it was on disk: there is nothing to go on with`,
    hint: "start it again with `blueprint run`",
  });
}
