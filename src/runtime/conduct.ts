import { join } from "node:path";
import type { ResolvedBlueprint } from "../blueprint/resolve.ts";
import type { Layer } from "../capability/layer.ts";
import { effectivePermission } from "../capability/permission.ts";
import type { RunJournal } from "../journal/journal.ts";
import { execute, type Run, type Start } from "../kernel/run.ts";
import type { Entry } from "../model/entry.ts";
import { PinionError } from "../model/errors.ts";
import { type HookHosts, HostFault, type PinnedHook } from "../model/hook.ts";
import type { JsonObject } from "../model/json.ts";
import type { ModelPort } from "../model/message.ts";
import { assemble } from "./assemble.ts";
import { fileDriver } from "./files.ts";
import { type Environment, runFolder, storeOf } from "./machine.ts";
import { type Header, specOf } from "./spec.ts";
import { type RunSummary, spawnResult, summaryOf } from "./summary.ts";
import { openProcesses, openWorkspace, toolsOf } from "./tools.ts";

export interface Watching {
  readonly signal: AbortSignal;
  /** Called with every entry of this run (not of its children) once it is durable, in order. */
  onEntry(entry: Entry): void;
  /** Something that a person should know, e.g. that tools run unconfined. */
  onNotice(text: string): void;
}

/** What parent and children share. */
export interface Machine {
  readonly env: Environment;
  readonly hosts: HookHosts;
  readonly workspace: string;
  readonly onNotice: (text: string) => void;
}

/** A run with its journal open: new, or resumed behind its past. */
export interface Conducted {
  readonly header: Header;
  readonly resolved: ResolvedBlueprint;
  readonly layers: readonly Layer[];
  readonly journal: RunJournal;
  readonly model: ModelPort;
  readonly signal: AbortSignal;
  readonly start: () => Promise<Start>;
  readonly startChild: (
    child: { readonly child: string; readonly goal: string; readonly capsules: JsonObject },
    signal: AbortSignal,
  ) => Promise<RunSummary>;
}

/** Runs with the world at hand, and lets go of all of it whatever happens. */
export async function conduct(machine: Machine, conducted: Conducted): Promise<RunSummary> {
  const { journal, signal } = conducted;
  const cancel = (): void => journal.push({ kind: "cancel", by: "an interrupt" });
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel);
  const closing: (() => void | Promise<void>)[] = [() => signal.removeEventListener("abort", cancel)];
  try {
    return await follow(machine, conducted, closing);
  } finally {
    for (const close of closing.reverse()) await close();
    await journal.close();
  }
}

/** Opens what the run needs and follows it; what is opened is left in `closing`. */
async function follow(
  machine: Machine,
  conducted: Conducted,
  closing: (() => void | Promise<void>)[],
): Promise<RunSummary> {
  const { env, hosts } = machine;
  const { header, resolved, layers, journal } = conducted;
  const children: string[] = [];
  const workspace = openWorkspace(machine.workspace);
  closing.push(() => workspace.close());
  const spawner = {
    spawn: async (
      { child, goal }: { readonly child: { readonly name: string }; readonly goal: string },
      stop: AbortSignal,
    ) => {
      const capsules = { ...run.capsuleValues() } as JsonObject;
      const summary = await conducted.startChild({ child: child.name, goal, capsules }, stop);
      children.push(summary.run, ...summary.children);
      return spawnResult(summary);
    },
  };
  const authority = effectivePermission(layers);
  const processes = await openProcesses(resolved, {
    authority,
    workspace,
    temporary: join(env.stateDir, "tmp"),
    onNotice: machine.onNotice,
  });
  closing.push(() => processes.close());
  const world = { workspace, spawner, processes, now: () => env.now() };
  const tools = toolsOf(resolved, { authority, depth: header.depth, world });
  const store = storeOf(env);
  const assembled = assemble({
    spec: specOf(header, resolved, { tools, authority }),
    hooks: resolved.hooks,
    chain: resolved.chain,
    journal,
    model: conducted.model,
    tools,
    hosts,
    component: (hook) => componentOrFault(hook, () => store.get(hook.component)),
    files: fileDriver(machine.workspace),
    permitFile: (action, path) => authority.file(action, path),
    start: conducted.start,
    deadlines: true,
    child: header.depth > 0,
    signal: conducted.signal,
  });
  closing.push(() => assembled.close());
  const run: Run = assembled.run;
  const result = await execute(run);
  return summaryOf(result, {
    run: header.run,
    head: journal.head,
    blueprint: header.blueprint,
    children,
    journal: join(runFolder(env, header.run), "journal.jsonl"),
  });
}

/** A component that is not to be had fails its hook, not the run: the boundaries that it guards are blocked. */
async function componentOrFault(hook: PinnedHook, get: () => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await get();
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    throw new HostFault(
      "missing-artifact",
      hook.name,
      `its component \`${hook.component}\` cannot be used (${error.code})`,
    );
  }
}
