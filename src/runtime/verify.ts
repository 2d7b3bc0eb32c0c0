import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve as absolute } from "node:path";
import { checkpointFile } from "../journal/checkpoints.ts";
import { checkpointIn, type KeptFile, type KeptLine, newestOf, readCheckpoints } from "../journal/kept.ts";
import { openRecording, type Recording, type See } from "../journal/recording.ts";
import type { Digest } from "../model/canonical.ts";
import { EXIT, type ExitCode, InputError, IntegrityError } from "../model/errors.ts";
import { type PublicKey, parsePublicKey } from "../trust/ed25519.ts";
import { type Anchor, anchored, type Found } from "./anchor.ts";
import { checkpointPublicKey, payloadOf } from "./checkpointing.ts";
import { type Environment, runFolder } from "./machine.ts";

export interface VerifyRequest {
  /** A recording, the folder of a run, or the id of a run. */
  readonly target: string;
  /** Files of checkpoints that were kept elsewhere. */
  readonly checkpoints: readonly string[];
  /** Who may have signed besides this user: public keys, or files that hold one. */
  readonly keys: readonly string[];
}

/** What holds of a journal. The shape of `pinion journal verify --json`. */
export interface Verified {
  readonly run: string;
  /**
   * `whole`: all there is of a run that ended or waits. `incomplete`: good to its last whole entry; the run goes on, was
   * killed, or the file was cut. `damaged`: not what was written.
   */
  readonly state: "whole" | "incomplete" | "damaged";
  readonly message: string;
  readonly entries: number;
  readonly head: string;
  /** The checkpoint that covers most; null when there is none to be believed. */
  readonly anchor: Anchor | null;
  /** Entries that no checkpoint covers. */
  readonly unanchored: number;
  /** What speaks against the journal; empty unless the exit code is 5. */
  readonly findings: readonly string[];
  /** What else was seen. */
  readonly notes: readonly string[];
  readonly exit: ExitCode;
}

/** Told of a journal once its chain has been verified to its end; answers who is shown its entries. */
export type Beginning = (recording: Recording) => Promise<See>;

/**
 * Verifies a journal from its first to its last byte: chain, blobs, end, and the checkpoints beside it, in it, and given.
 * Throws `InputError` for what is no journal, and for keys and checkpoints that are not to be had.
 */
export async function verifyJournal(
  request: VerifyRequest,
  env: Environment,
  begin: Beginning = async () => () => undefined,
): Promise<Verified> {
  const path = absolute(env.cwd, request.target);
  const isRun = !existsSync(path) && /^[A-Za-z0-9-]+$/.test(request.target);
  const target = isRun ? runFolder(env, request.target) : path;
  const keys = await keysOf(request.keys, env);
  // Read before the journal: entries are on disk before their checkpoints, also while the run goes on.
  const beside = readCheckpoints(checkpointFile(target), payloadOf);
  const given = request.checkpoints.map((file) => keptElsewhere(absolute(env.cwd, file)));
  try {
    const recording = openRecording(target);
    try {
      return answer({ recording, target, beside, given, keys }, await begin(recording));
    } finally {
      recording.close();
    }
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    return damaged(error);
  }
}

interface Read {
  readonly recording: Recording;
  readonly target: string;
  readonly beside: KeptFile | undefined;
  readonly given: readonly KeptFile[];
  readonly keys: readonly PublicKey[];
}

function answer({ recording, target, beside, given, keys }: Read, see: See): Verified {
  const { header, count, head, torn } = recording;
  const { run } = header;
  if (beside !== undefined) newestOf(beside, run);
  for (const blob of recording.blobs) recording.blob(blob);
  const found = [
    ...foundIn(beside?.lines ?? [], false),
    ...carried(recording, target),
    ...given.flatMap((file) => ofRun(file, run)),
  ];
  const { heads, state, message } = look(recording, new Set(found.map(({ checkpoint }) => checkpoint.count)), see);
  const { anchor, findings, notes } = anchored(found, { count, heads, keys });
  const crumbs = beside !== undefined && beside.torn > 0 ? [`the last checkpoint beside it was not finished`] : [];
  return {
    run,
    state,
    message: torn > 0 ? `${message}; ${torn} bytes of an entry that was not finished lie behind it` : message,
    entries: count,
    head,
    anchor,
    unanchored: count - (anchor?.count ?? 0),
    findings,
    notes: [...notes, ...crumbs, ...given.flatMap(unreadable)],
    exit: findings.length > 0 ? EXIT.integrity : EXIT.ok,
  };
}

/** One pass over the entries: the heads that were asked for, and how the run stands. */
function look(
  recording: Recording,
  counts: ReadonlySet<number>,
  see: See,
): Pick<Verified, "state" | "message"> & { readonly heads: ReadonlyMap<number, Digest> } {
  const { complete, cut, count } = recording;
  const heads = new Map<number, Digest>([[count, recording.head]]);
  let last = "pending";
  for (const recorded of recording.entries()) {
    const { entry, digest } = recorded;
    see(recorded);
    if (counts.has(entry.seq + 1)) heads.set(entry.seq + 1, digest);
    if (entry.kind === "check.state") last = String(entry.body.to);
  }
  if (cut) {
    return { heads, state: "incomplete", message: `${count} whole entries; the run was killed, or the file was cut` };
  }
  if (complete) return { heads, state: "whole", message: `${count} entries; the run has ended (${last})` };
  if (last === "paused") return { heads, state: "whole", message: `${count} entries; the run waits (paused)` };
  return { heads, state: "incomplete", message: `${count} whole entries; the run goes on, or was killed` };
}

function damaged({ message }: IntegrityError): Verified {
  const nothing = { run: "", entries: 0, head: "", anchor: null, unanchored: 0, notes: [] };
  return { ...nothing, state: "damaged", message, findings: [message], exit: EXIT.integrity };
}

function foundIn(lines: readonly KeptLine[], given: boolean): Found[] {
  return lines.flatMap(({ file, line, kept }) =>
    kept === undefined ? [] : [{ ...kept, file, where: `\`${file}\` line ${line}`, given }],
  );
}

/** What the end marker of a recording carries. */
function carried({ checkpoint: json, header }: Recording, target: string): Found[] {
  if (json === undefined) return [];
  const checkpoint = checkpointIn(json, payloadOf);
  if (checkpoint?.run === header.run) {
    return [{ checkpoint, json, file: target, where: `the end marker of \`${target}\``, given: false }];
  }
  throw new IntegrityError({
    code: "bad-checkpoint",
    message: `the end marker of \`${target}\` carries what is no checkpoint of run \`${header.run}\``,
  });
}

/** Checkpoints of one run in a file that was given. Throws `InputError` when there is none. */
function ofRun(file: KeptFile, run: string): readonly Found[] {
  const found = foundIn(file.lines, true).filter(({ checkpoint }) => checkpoint.run === run);
  if (found.length > 0) return found;
  const torn = file.torn > 0 ? `; its last line has no line end and was not read (${file.torn} bytes)` : "";
  const message = `there is no checkpoint of run \`${run}\` in \`${file.file}\`${torn}`;
  throw new InputError({ code: "no-checkpoint", message });
}

function unreadable({ lines, file }: KeptFile): readonly string[] {
  return lines.flatMap(({ kept, line }) => (kept === undefined ? [`\`${file}\` line ${line} is no checkpoint`] : []));
}

function keptElsewhere(file: string): KeptFile {
  const kept = readCheckpoints(file, payloadOf);
  if (kept !== undefined) return kept;
  throw new InputError({ code: "no-checkpoint", message: `there is no file \`${file}\`` });
}

/** This user's key and those that were given, as texts or files. Throws `InputError`. */
async function keysOf(given: readonly string[], env: Environment): Promise<readonly PublicKey[]> {
  const keys = [await checkpointPublicKey(env)];
  for (const text of given) {
    if (text.startsWith("ed25519:")) {
      keys.push(parsePublicKey(text));
      continue;
    }
    const file = absolute(env.cwd, text);
    const content = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
      const message = `the public key \`${file}\` cannot be read: ${cause.code ?? cause.message}`;
      throw new InputError({ code: "no-public-key", message, cause });
    });
    keys.push(parsePublicKey(content.trim()));
  }
  return keys;
}
