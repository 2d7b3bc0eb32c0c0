import { access, constants, stat } from "node:fs/promises";
import { resolve as absolute, dirname, join } from "node:path";
import { loadBlueprint } from "../blueprint/load.ts";
import { resolveBlueprint } from "../blueprint/resolve.ts";
import { exportRecording } from "../journal/export.ts";
import { InputError } from "../model/errors.ts";
import { payloadOf } from "./checkpointing.ts";
import { childrenOf } from "./children.ts";
import type { Machine, Watching } from "./conduct.ts";
import { RunControl } from "./control/run-control.ts";
import { type Environment, hookHosts, installation, resolveDeps, runFolder, storeOf } from "./machine.ts";
import { chooseModel, openModel } from "./model.ts";
import { aroundRun } from "./policy/layers.ts";
import { shadowPins } from "./proposals/shadow.ts";
import { openVault } from "./secrets/vault.ts";
import { start } from "./start.ts";
import type { RunSummary } from "./summary.ts";

export interface RunOptions {
  /** The blueprint. */
  readonly file: string;
  readonly goal: string;
  /** The folder that the agent works in. */
  readonly workspace: string;
  /** `<provider>:<id>`, instead of the blueprint's `spec.runtime`. */
  readonly model?: string | undefined;
  readonly baseUrl?: string | undefined;
  /** A policy bundle that narrows this run, and its children with it. */
  readonly policy?: string | undefined;
  /** Where to write the recording. Recordings of children stand beside it. */
  readonly record?: string | undefined;
  /** Ids of proposals that run in shadow. */
  readonly shadows?: readonly string[];
}

/**
 * Runs a blueprint until it ends or pauses. Everything that can be wrong with what was given is said before anything
 * starts: throws `InputError` (a file, a folder, a key of a provider) or `IntegrityError` (bytes that are not the pinned
 * ones). Throws `WorldError` when the journal cannot be written; the run stops then.
 */
export async function runBlueprint(options: RunOptions & Watching, env: Environment): Promise<RunSummary> {
  if (options.goal.trim() === "") {
    throw new InputError({ code: "no-goal", message: "the goal is empty: expected what the agent is to achieve" });
  }
  // The hook host comes up while the blueprint is read.
  const hosts = await hookHosts(env, { spares: 1, onWarning: options.onNotice });
  try {
    const { resolved, workspace, around, record, shadows, secrets } = await checked(options, env);
    const machine: Machine = { env, hosts, workspace, secrets, onNotice: options.onNotice, childrenOf };
    const summary = await start(machine, {
      file: absolute(env.cwd, options.file),
      control: new RunControl(options.signal),
      chosen: { model: options.model, baseUrl: options.baseUrl },
      resolved,
      goal: options.goal,
      capsules: {},
      depth: 0,
      inherited: [],
      around,
      shadows,
      delegated: [],
      watching: options,
    });
    return record === undefined ? summary : await exported(summary, record, env);
  } finally {
    await hosts.close();
  }
}

/** Everything that was given, found to be usable. */
async function checked(options: RunOptions & Watching, env: Environment) {
  const file = await loadBlueprint(absolute(env.cwd, options.file));
  const deps = { ...resolveDeps(storeOf(env)), installation: installation() };
  const resolved = await resolveBlueprint(file, deps);
  const around = await aroundRun(options, env);
  for (const { file: where, line, column, message } of resolved.warnings) {
    options.onNotice(`${where}:${line}:${column} ${message}`);
  }
  const workspace = await mustBeFolder(absolute(env.cwd, options.workspace));
  const record = options.record === undefined ? undefined : await mustBeWritable(absolute(env.cwd, options.record));
  openModel(resolved, chooseModel(resolved, options), env);
  const shadows = await shadowPins(options.shadows ?? [], resolved, env);
  return { resolved, workspace, around, record, shadows, secrets: await openVault(resolved, env) };
}

/** Writes the recording of a run that came to rest later, and those of its children. */
export async function recordRun(summary: RunSummary, file: string, env: Environment): Promise<RunSummary> {
  return exported(summary, absolute(env.cwd, file), env);
}

async function exported(summary: RunSummary, file: string, env: Environment): Promise<RunSummary> {
  await exportRecording(runFolder(env, summary.run), file, { payloadOf });
  const base = file.endsWith(".jsonl") ? file.slice(0, -".jsonl".length) : file;
  for (const [i, child] of summary.children.entries()) {
    await exportRecording(runFolder(env, child), `${base}.child-${i + 1}.jsonl`, { payloadOf });
  }
  return { ...summary, recording: file };
}

async function mustBeFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return path;
  throw new InputError({
    code: "no-workspace",
    message: `the workspace \`${path}\` is ${found === undefined ? "not there" : "not a folder"}`,
    hint: "give an existing folder with `--workspace`",
  });
}

async function mustBeWritable(path: string): Promise<string> {
  const folder = dirname(path);
  try {
    await access(folder, constants.W_OK);
    if ((await stat(path).catch(() => undefined))?.isDirectory() !== true) return path;
  } catch (cause) {
    const message = `the recording cannot be written to \`${path}\`: its folder is not there or not writable`;
    throw new InputError({ code: "no-recording-folder", message, hint: `create \`${folder}\` first`, cause });
  }
  const message = `the recording cannot be written to \`${path}\`: that is a folder`;
  throw new InputError({
    code: "no-recording-folder",
    message,
    hint: `name a file in it, e.g. \`${join(path, "run.jsonl")}\``,
  });
}
