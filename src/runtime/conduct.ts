import { join } from "node:path";
import type { ResolvedBlueprint } from "../blueprint/resolve.ts";
import { effectiveConfinement } from "../capability/confinement.ts";
import type { Layer } from "../capability/layer.ts";
import { missingFrom, Narrowing } from "../capability/narrowing.ts";
import { effectivePermission } from "../capability/permission.ts";
import type { RunJournal } from "../journal/journal.ts";
import { execute, type Run, type Start } from "../kernel/run.ts";
import type { Entry } from "../model/entry.ts";
import { PinionError } from "../model/errors.ts";
import { type HookHosts, HostFault, type PinnedHook } from "../model/hook.ts";
import type { JsonObject } from "../model/json.ts";
import type { ModelPort } from "../model/message.ts";
import type { Secrets, Spawner, SpawnResult } from "../tool/ports.ts";
import { approvalRules } from "./approval-rules.ts";
import { assemble } from "./assemble.ts";
import type { RunControl } from "./control/run-control.ts";
import { type ControlSocket, listenIn } from "./control/socket.ts";
import { fileDriver } from "./files.ts";
import { leasesOf } from "./leases.ts";
import { type Environment, runFolder, storeOf, temporaryFolder } from "./machine.ts";
import { approvalsBelow } from "./pending.ts";
import { permissionPort } from "./policy/permission.ts";
import { proposerOf } from "./proposals/agent.ts";
import { maskedModel } from "./secrets/masked-model.ts";
import { openPlace } from "./secrets/place.ts";
import { shadowsOf } from "./shadows.ts";
import { type Header, specOf } from "./spec.ts";
import { type Rested, type RunSummary, spawnResult, summaryOf } from "./summary.ts";
import { openProcesses, toolsOf } from "./tools.ts";
import type { TrustWatch } from "./trust/watch.ts";
import { filesOf, type RunFiles } from "./workspace.ts";

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
  /** A child works on the files of its parent, unless it has a layer of its own. */
  readonly files?: RunFiles;
  readonly onNotice: (text: string) => void;
  /** Of the whole family of runs. */
  readonly secrets: Secrets;
  /** Starts and resumes the children of a run. */
  readonly childrenOf: (machine: Machine, parent: Parent) => Children;
}

/** What a child takes over from its parent. */
export interface Parent {
  readonly header: Header;
  readonly resolved: ResolvedBlueprint;
  readonly layers: readonly Layer[];
  readonly control: RunControl;
}
export interface Children {
  start(
    child: {
      readonly child: string;
      readonly goal: string;
      readonly capsules: JsonObject;
      readonly delegated: Header["delegated"];
    },
    signal: AbortSignal,
  ): Promise<RunSummary>;
  /** Goes on with a child that paused; what it came to, if it has ended meanwhile. */
  resume(run: string, signal: AbortSignal): Promise<Rested>;
}

/** A run with its journal open: new, or resumed behind its past. */
export interface Conducted {
  readonly header: Header;
  readonly resolved: ResolvedBlueprint;
  /** Those that the run started with. */
  readonly layers: readonly Layer[];
  /** Looks whether its signed hooks are still trusted. */
  readonly trust: TrustWatch;
  /** Those that hold for what is done from now on: more, where the run has been narrowed or is about to be. */
  readonly inForce: readonly Layer[];
  readonly journal: RunJournal;
  readonly model: ModelPort;
  readonly control: RunControl;
  /** Of whoever watches the run: nobody waits for it any more. */
  readonly signal: AbortSignal;
  readonly start: () => Promise<Start>;
}

/** Runs with the world at hand, and lets go of all of it whatever happens. */
export async function conduct(machine: Machine, conducted: Conducted): Promise<RunSummary> {
  const { journal, control, header, resolved, trust } = conducted;
  const { env, onNotice } = machine;
  const closing: (() => void | Promise<void>)[] = [];
  try {
    const hooks = resolved.hooks.map(({ name }) => name);
    control.attach({ run: header.run, journal, hooks, trust, onNotice });
    const socket = await listen(runFolder(env, header.run), control, onNotice);
    closing.push(async () => {
      control.detach();
      await socket?.close();
    });
    return await follow(machine, conducted, closing);
  } finally {
    for (const close of closing.reverse()) await close();
    await journal.close();
  }
}

/** A run goes on where nobody can reach it, and says so. */
async function listen(
  folder: string,
  control: RunControl,
  onNotice: (text: string) => void,
): Promise<ControlSocket | undefined> {
  try {
    return await listenIn(folder, (request) => control.answer(request));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    onNotice(`this run cannot be paused or stopped from another terminal: there is no socket in its folder (${why})`);
    return undefined;
  }
}

/** Opens what the run needs and follows it; what is opened is left in `closing`. */
async function follow(
  machine: Machine,
  conducted: Conducted,
  closing: (() => void | Promise<void>)[],
): Promise<RunSummary> {
  const { env, hosts } = machine;
  const { header, resolved, layers, inForce, journal, control } = conducted;
  const narrowing = new Narrowing(layers);
  const children = new Set<string>();
  const shared = header.layer === header.run ? undefined : machine.files;
  const files = shared ?? (await filesOf(env, { header, resolved, workspace: machine.workspace }));
  if (shared === undefined) closing.push(() => files.close());
  const parent = {
    ...{ header, resolved, control },
    get layers() {
      return narrowing.layers;
    },
  };
  const offspring = machine.childrenOf({ ...machine, files }, parent);
  const known = (summary: Rested): SpawnResult => {
    for (const child of [summary.run, ...summary.children]) children.add(child);
    return spawnResult(summary);
  };
  const workspace = files.open();
  closing.push(() => workspace.close());
  const spawner: Spawner = {
    spawn: async ({ child, goal, delegated }, stop) => {
      const capsules = { ...run.capsuleValues() } as JsonObject;
      return known(await offspring.start({ child: child.name, goal, capsules, delegated }, stop));
    },
  };
  const { authority } = narrowing;
  const { secrets } = machine;
  const place = openPlace(header.run, env);
  closing.push(() => place.close());
  // What is done is judged by all that holds, also before the kernel has met it.
  const acting = missingFrom(layers, inForce).length === 0 ? authority : effectivePermission(inForce);
  const processes = await openProcesses(resolved, {
    authority: acting,
    confinement: effectiveConfinement(inForce),
    workspace,
    layer: files.overlay && { overlay: files.overlay, folder: join(runFolder(env, header.run), "processes") },
    temporary: temporaryFolder(env, header.run),
    secrets: () => place.folder(),
    onNotice: machine.onNotice,
  });
  closing.push(() => processes.close());
  const proposer = proposerOf({ run: header.run, agent: resolved.agent }, env);
  const world = { workspace, spawner, proposer, processes, secrets, now: () => env.now() };
  const tools = toolsOf(resolved, { authority, acting, depth: header.depth, world });
  const spec = () => specOf(header, resolved, { tools, authority });
  const store = storeOf(env);
  const assembled = assemble({
    spec: spec(),
    permission: permissionPort(narrowing, spec),
    hooks: resolved.hooks,
    chain: resolved.chain,
    shadows: await shadowsOf(resolved, header.shadows, store),
    journal,
    model: maskedModel(conducted.model, secrets.mask),
    tools,
    hosts,
    component: (hook) => componentOrFault(hook, () => store.get(hook.component)),
    files: fileDriver(files, secrets.mask),
    permitFile: (action, path) => authority.file(action, path),
    leases: leasesOf(resolved, header, () => narrowing.layers),
    start: conducted.start,
    approvals: approvalRules(() => narrowing.layers),
    resumeChild: async (child, stop) => known(await offspring.resume(child, stop)),
    deadlines: () => journal.live,
    child: header.depth > 0,
    signal: conducted.signal,
  });
  closing.push(() => assembled.close());
  const run: Run = assembled.run;
  const result = await execute(run);
  const isResting = result.state === "paused" || result.state === "pending";
  return summaryOf(result, {
    approvals: isResting ? await approvalsBelow(header.run, env) : [],
    run: header.run,
    head: journal.head,
    blueprint: header.blueprint,
    children: [...children],
    changes: shared === undefined && files.overlay !== undefined ? files.overlay.changes().length : null,
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
