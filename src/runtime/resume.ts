import { resolveFromStore } from "../blueprint/resolve.ts";
import { readRunKey, runKeyFile } from "../journal/keys.ts";
import { resumeJournal } from "../journal/open.ts";
import { openRecording } from "../journal/recording.ts";
import type { Repair } from "../journal/repair.ts";
import type { Control } from "../model/entry.ts";
import { BugError, InputError } from "../model/errors.ts";
import type { HookHosts } from "../model/hook.ts";
import { mustBeRun, readStart } from "./begun.ts";
import { checkpointing } from "./checkpointing.ts";
import { conduct, type Machine, type Watching } from "./conduct.ts";
import { type Environment, hookHosts, keyFolder, resolveDeps, runFolder, storeOf } from "./machine.ts";
import { chooseModel, openModel } from "./model.ts";
import { layersOf, readHeader } from "./spec.ts";
import { childrenOf } from "./start.ts";
import type { RunSummary } from "./summary.ts";

/**
 * Goes on with a run that paused or was interrupted, on the blueprint that it started with: its journal is replayed to
 * the end and continued. Throws `InputError` when there is no such run, it has ended, or it is running.
 */
export async function resumeRun(options: { readonly run: string } & Watching, env: Environment): Promise<RunSummary> {
  return again(options, "resume", env);
}

/**
 * Lets a hook that failed answer again. The run stays paused; what a person decided, and why, is in its journal.
 * Throws `InputError` as `resumeRun` does, and when the run has no such hook.
 */
export async function rearmHook(
  request: { readonly run: string; readonly hook: string; readonly reason: string },
  env: Environment,
): Promise<void> {
  const { run, hook, reason } = request;
  const quiet: Watching = { signal: new AbortController().signal, onEntry: () => undefined, onNotice: () => undefined };
  await again({ run, ...quiet, hook }, { kind: "rearm", hook, reason, by: "a person" }, env);
}

async function again(options: Again, asked: "resume" | Control, env: Environment): Promise<RunSummary> {
  const folder = runFolder(env, mustBeRun(options.run));
  const opened = await resumeJournal({
    folder,
    keys: keyFolder(env),
    clock: () => env.now(),
    monotonic: () => env.monotonic(),
    random: (bytes) => env.random(bytes),
    checkpoints: await checkpointing(env),
    cancel: options.signal,
    onDurable: (entries) => {
      for (const entry of entries) options.onEntry(entry);
    },
  });
  try {
    // The hook host comes up while the rest is read.
    const hosts = await hookHosts(env, { spares: 1, onWarning: options.onNotice });
    try {
      return await goOn({ options, asked, hosts, folder, opened }, env);
    } finally {
      await hosts.close();
    }
  } finally {
    await opened.journal.close();
  }
}

type Again = { readonly run: string; readonly hook?: string } & Watching;

interface Reopened {
  readonly options: Again;
  readonly asked: "resume" | Control;
  readonly hosts: HookHosts;
  readonly folder: string;
  readonly opened: Awaited<ReturnType<typeof resumeJournal>>;
}

async function goOn({ options, asked, hosts, folder, opened }: Reopened, env: Environment): Promise<RunSummary> {
  const { run, signal } = options;
  const { journal } = opened;
  for (const repair of opened.repairs) options.onNotice(repairNotice(repair));
  const header = readHeader(opened.header);
  const resolved = await resolveFromStore(header.source, resolveDeps(storeOf(env)));
  if (options.hook !== undefined && !resolved.hooks.some((hook) => hook.name === options.hook)) {
    throw new InputError({ code: "no-such-hook", message: `run \`${run}\` has no hook \`${options.hook}\`` });
  }
  const { workspace } = await readStart(openRecording(folder), readRunKey(runKeyFile(keyFolder(env), run)));
  const model = openModel(resolved, chooseModel(resolved, header.chosen), env);
  const layers = layersOf(resolved, header.inherited);
  const waiting = waits(folder);
  if (asked !== "resume") {
    journal.push(asked);
    if (!waiting) journal.push({ kind: "pause", by: "a person who re-armed a hook" });
  } else if (waiting) journal.push({ kind: "resume", by: "a person" });
  const machine: Machine = { env, hosts, workspace, onNotice: options.onNotice };
  const start = (): never => {
    throw new BugError({ code: "started-twice", message: "a resumed run has a start already" });
  };
  const startChild = childrenOf({ header, resolved, layers });
  return conduct(machine, { header, resolved, layers, journal, model, signal, start, startChild });
}

/**
 * Whether a run waits for a person: it paused, or a hook kept it from starting. A run that was interrupted goes on by itself,
 * and a pause that nobody has seen yet is not answered in advance.
 */
function waits(folder: string): boolean {
  const recording = openRecording(folder);
  try {
    let waiting = false;
    for (const { entry } of recording.entries()) {
      const { phase, decision, to } = entry.body;
      if (entry.kind === "check.boundary") waiting = phase === "state-transition" && decision === "block";
      if (entry.kind === "check.state") waiting = to === "paused";
    }
    return waiting;
  } finally {
    recording.close();
  }
}

function repairNotice({ kind, file, offset, bytes }: Repair): string {
  const what = { entry: "an entry", checkpoint: "a checkpoint", blob: "a sealed body" }[kind];
  return kind === "blob"
    ? `${what} that no entry names was removed: \`${file}\`, ${bytes} bytes`
    : `${bytes} bytes of ${what} that was not finished were cut off \`${file}\` at byte ${offset}`;
}
