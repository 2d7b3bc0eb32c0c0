import { glanceAt } from "../journal/glance.ts";
import { type Holder, holderOf } from "../journal/lock.ts";
import type { ControlAnswer, ControlRequest } from "../model/control.ts";
import type { Control } from "../model/entry.ts";
import { BugError, DeniedError, InputError, WorldError } from "../model/errors.ts";
import type { RunState } from "../model/phase.ts";
import { mustBeRun } from "./begun.ts";
import { askRun, letGo } from "./control/ask.ts";
import { killTree } from "./control/kill.ts";
import { mustHaveLease } from "./lease-list.ts";
import { type Environment, runFolder } from "./machine.ts";
import { tellRun } from "./resume.ts";
import { childrenByParent, isOver } from "./runs.ts";

/** Who asks, and how long to wait until the run has obeyed. */
export interface Asking {
  readonly run: string;
  /** In words for people; it is recorded. `a person` unless given. */
  readonly by?: string;
  /** False: it is enough that the run's process has taken the request. */
  readonly wait?: boolean;
  /** How long, in ms; a minute unless given. */
  readonly timeoutMs?: number;
}
export type AskingHook = Asking & { readonly hook: string; readonly reason: string };

const PATIENCE_MS = 60_000;
const SOMEBODY = "a person";

/** What came of it. */
export interface Obeyed {
  readonly run: string;
  readonly state: RunState;
  readonly reason: string;
  /** Whether the run has done it; false when nobody waited. */
  readonly done: boolean;
  /** The process that was asked; null when nobody worked on the run. */
  readonly process: number | null;
}

/**
 * Asks a run to pause at its next boundary, its children with it. A run that is paused already is as asked. Throws `InputError`
 * when there is no such run, it has ended, or nobody works on it: what does not run needs no pause, and taking it up to pause it
 * would do what it left undone. Throws `WorldError` (`no-answer`) when it takes longer than one is willing to wait.
 */
export async function pauseRun(asking: Asking, env: Environment): Promise<Obeyed> {
  const { run, by = SOMEBODY, wait = true } = asking;
  const { process } = await ask(asking, { ask: "pause", by, wait }, env);
  const now = stateOf(run, env);
  const obeyed = { run, ...now, process };
  if (process !== null && !wait) return { ...obeyed, done: false };
  if (now.state === "paused") return { ...obeyed, done: true };
  if (now.state === "pending" || now.state === "running") {
    throw new InputError({
      code: "not-live",
      message: `run \`${run}\` cannot be paused: no process works on it`,
      hint: `go on with \`pinion run resume ${run}\`, or end it with \`pinion run terminate ${run}\``,
    });
  }
  throw hasEnded(run, now.state);
}

/**
 * Ends a run and its children: aborts what is under way where somebody works on it, and otherwise takes it up only to end it. Throws `InputError` when
 * there is no such run or it has ended in another way, `WorldError` (`no-answer`) when it takes too long.
 */
export async function terminateRun(asking: Asking, env: Environment): Promise<Obeyed> {
  const { run, by = SOMEBODY, wait = true } = asking;
  let { process } = await ask(asking, { ask: "terminate", by, wait }, env);
  if (process !== null && !wait) return { run, ...stateOf(run, env), process, done: false };
  if (!isOver(stateOf(run, env).state)) process = await tell(asking, { kind: "cancel", by }, env);
  const now = stateOf(run, env);
  if (now.state !== "terminated") throw hasEnded(run, now.state);
  // A child that rests waits for a run that is no more.
  for (const child of (await childrenByParent(env)).get(run) ?? []) {
    if (!isOver(stateOf(child, env).state)) await terminateRun({ ...asking, run: child }, env);
  }
  return { run, ...now, process, done: true };
}

/**
 * SIGKILLs the process that works on a run, and all that it started. What the run had made durable is there; it is `interrupted`
 * and can be resumed, or terminated properly. Throws `InputError` when nobody works on it.
 */
export async function killRun(run: string, env: Environment): Promise<Holder> {
  const holder = holderOf(runFolder(env, mustExist(run, env)));
  if (holder === undefined) {
    throw new InputError({
      code: "not-live",
      message: `run \`${run}\` cannot be killed: no process works on it`,
      hint: `\`pinion run terminate ${run}\` ends it`,
    });
  }
  if (!holder.here) {
    throw new WorldError({
      code: "not-killed",
      message: `process ${holder.pid}, which works on run \`${run}\`, is in another pid namespace: kill it there`,
    });
  }
  await killTree(holder);
  return holder;
}

/** Lets a hook that failed answer again; a run that waits stays paused. Throws `InputError` when the run has no such hook. */
export function rearmHook(asking: AskingHook, env: Environment): Promise<Obeyed> {
  return tellOfHook("rearm", asking, env);
}

/** Takes back the directory handles of a hook: its file hostcalls are denied from now on, whatever becomes of the run. */
export function revokeHandles(asking: AskingHook, env: Environment): Promise<Obeyed> {
  return tellOfHook("revoke", asking, env);
}

/**
 * Takes back a lease and all that came from it, in this run and in its children, whatever becomes of the run. Throws `InputError`
 * when the journal of the run names no such lease.
 */
export async function revokeLease(
  asking: Asking & { readonly lease: string; readonly reason: string },
  env: Environment,
): Promise<Obeyed> {
  const { run, lease, reason, by = SOMEBODY, wait = true } = asking;
  await mustHaveLease(mustExist(run, env), lease, env);
  const { state } = stateOf(run, env);
  if (isOver(state)) throw hasEnded(run, state);
  const { process } = await ask(asking, { ask: "revoke-lease", lease, reason, by, wait }, env);
  if (process === null) await tell(asking, { kind: "revoke-lease", lease, reason, by }, env);
  return { run, ...stateOf(run, env), process, done: process === null || wait };
}

async function tellOfHook(kind: "rearm" | "revoke", asking: AskingHook, env: Environment): Promise<Obeyed> {
  const { run, hook, reason, by = SOMEBODY, wait = true } = asking;
  const { process } = await ask(asking, { ask: kind, hook, reason, by, wait }, env);
  if (process === null) await tell(asking, { kind, hook, reason, by }, env);
  return { run, ...stateOf(run, env), process, done: process === null || wait };
}

/** Asks whoever works on the run; to `wait` is to wait until it has come to rest where it was asked to. */
async function ask(
  { run, wait = true, timeoutMs = PATIENCE_MS }: Asking,
  request: ControlRequest,
  env: Environment,
): Promise<{ readonly process: number | null }> {
  const folder = runFolder(env, mustExist(run, env));
  const end = env.monotonic() + timeoutMs;
  const deadline = { left: () => Math.max(0, end - env.monotonic()) };
  const process = holderOf(folder)?.pid ?? null;
  const answer = await askRun(folder, request, deadline);
  if (answer === undefined) return { process: null };
  if ("error" in answer) throw refused(answer.error);
  const rests = request.ask === "pause" || request.ask === "terminate";
  if (wait && rests && !(await letGo(folder, deadline))) {
    const message = `run \`${run}\` was asked to ${request.ask} and is still at work in process ${process ?? "?"}`;
    throw new WorldError({ code: "no-answer", message, hint: `look with \`pinion run status ${run}\`` });
  }
  return { process };
}

/** Tells whoever works on a run an answer, or the run itself where nobody does; resolves when it stands in the journal. */
export async function tellOrAsk(
  run: string,
  control: Extract<Control, { kind: "answer" }>,
  env: Environment,
): Promise<void> {
  const { process } = await ask({ run }, { ...requestOf(control), by: control.by, wait: true }, env);
  if (process === null) await tell({ run }, control, env);
}

/** Tells a run that nobody works on; or whoever has taken it up meanwhile. */
async function tell(asking: Asking, control: Parameters<typeof tellRun>[1], env: Environment): Promise<number | null> {
  try {
    await tellRun(asking.run, control, env);
    return null;
  } catch (error) {
    const taken = error instanceof InputError && (error.code === "run-live" || error.code === "journal-locked");
    if (!taken) throw error;
    const { wait = true } = asking;
    return (await ask(asking, { ...requestOf(control), by: control.by, wait }, env)).process;
  }
}

function requestOf(control: Parameters<typeof tellRun>[1]): DistributiveOmit<ControlRequest, "by" | "wait"> {
  switch (control.kind) {
    case "cancel":
      return { ask: "terminate" };
    case "rearm":
    case "revoke":
      return { ask: control.kind, hook: control.hook, reason: control.reason };
    case "revoke-lease":
      return { ask: control.kind, lease: control.lease, reason: control.reason };
    case "answer": {
      const { kind, by: _, ...what } = control;
      return { ask: kind, ...what };
    }
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function refused({ code, message }: Extract<ControlAnswer, { error: unknown }>["error"]): Error {
  switch (code) {
    case "no-such-hook":
      return new InputError({ code, message });
    case "busy":
      return new DeniedError({ code, message, hint: "try again when it has passed its next boundary" });
    case "bad-request":
      return new WorldError({ code, message, hint: "the run's process may be of another version of Pinion" });
    case "too-late":
      return new BugError({ code, message });
  }
}

/** Throws `InputError` where there is no such run. */
export function mustExist(run: string, env: Environment): string {
  if (glanceAt(runFolder(env, mustBeRun(run))) !== undefined) return run;
  throw new InputError({
    code: "no-such-run",
    message: `there is no run \`${run}\`, or nothing of it is on disk`,
    hint: "`pinion run list` names them",
  });
}

function stateOf(run: string, env: Environment): { readonly state: RunState; readonly reason: string } {
  const { state = "pending", reason = "" } = glanceAt(runFolder(env, run)) ?? {};
  return { state, reason };
}

function hasEnded(run: string, state: RunState): InputError {
  return new InputError({ code: "run-ended", message: `run \`${run}\` has ended already: it is \`${state}\`` });
}
