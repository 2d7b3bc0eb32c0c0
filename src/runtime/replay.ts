import { resolveFromStore } from "../blueprint/resolve.ts";
import { Narrowing } from "../capability/narrowing.ts";
import { RecordingEnds, ReplayDivergence } from "../journal/divergence.ts";
import type { RunJournal } from "../journal/journal.ts";
import { replayJournal } from "../journal/open.ts";
import type { Recording } from "../journal/recording.ts";
import { execute, Run, type RunResult } from "../kernel/run.ts";
import { BugError, IntegrityError } from "../model/errors.ts";
import type { HookHosts } from "../model/hook.ts";
import { approvalRules } from "./approval-rules.ts";
import { assemble } from "./assemble.ts";
import { leasesOf } from "./leases.ts";
import { type Environment, hookHosts, resolveDeps, storeOf } from "./machine.ts";
import { permissionPort } from "./policy/permission.ts";
import { recordedLeases, SealedReplay } from "./sealed.ts";
import { shadowsOf } from "./shadows.ts";
import { layersOf, readHeader, specOf } from "./spec.ts";
import { noWorld, toolsOf } from "./tools.ts";
import { withTrust } from "./trust/trust.ts";

/** What came of running a recording again, and how far it came. */
export type Reexecuted = { readonly entries: number; readonly steps: number } & (
  | {
      readonly kind: "identical";
      readonly result: RunResult;
      /** Inputs that could not be opened: their boundaries were taken as recorded. */
      readonly sealed: number;
    }
  | { readonly kind: "diverged"; readonly error: ReplayDivergence }
  | { readonly kind: "incomplete"; readonly error: RecordingEnds }
);

export interface ReexecuteOptions {
  /** Without it, what is sealed stays sealed. */
  readonly key: Uint8Array | undefined;
  /** Further folders with artifacts by digest. */
  readonly artifacts: readonly string[];
  readonly onNotice: (text: string) => void;
}

/**
 * Runs the kernel again on recorded inputs, re-executing every hook. There is no model, no workspace and no network to
 * reach; artifacts come by digest from the store, or from one of the folders `artifacts`. Closes the recording.
 * Throws `InputError` for another kernel version or a missing artifact, `IntegrityError` for what is not what it was.
 */
export async function reexecute(
  recording: Recording,
  options: ReexecuteOptions,
  env: Environment,
): Promise<Reexecuted> {
  const journal = replayJournal(recording, options.key);
  let hosts: HookHosts | undefined;
  try {
    // Without the key no hook is asked. With it, the hook host comes up while the rest is read.
    if (options.key !== undefined) hosts = await hookHosts(env, { spares: 1, onWarning: options.onNotice });
    const { run, close } = await openRun({ journal, recording, options, hosts }, env);
    const seen = () => ({ entries: journal.count, steps: run.counters.steps });
    try {
      const result = await execute(run);
      journal.finish();
      return { kind: "identical", result, sealed: journal.unopened.sealed, ...seen() };
    } catch (error) {
      if (error instanceof ReplayDivergence) return { kind: "diverged", error, ...seen() };
      if (error instanceof RecordingEnds) return { kind: "incomplete", error, ...seen() };
      throw error;
    } finally {
      await close();
    }
  } finally {
    await hosts?.close();
    await journal.close();
  }
}

interface Opening {
  readonly journal: RunJournal;
  readonly recording: Recording;
  readonly options: ReexecuteOptions;
  readonly hosts: HookHosts | undefined;
}

async function openRun(
  { journal, recording, options, hosts }: Opening,
  env: Environment,
): Promise<{ readonly run: Run; close(): Promise<void> }> {
  const header = readHeader(recording.header);
  const store = storeOf(env, options.artifacts);
  const resolved = withTrust(await resolveFromStore(header.source, resolveDeps(store)), header.trust);
  if (resolved.agent.blueprint !== header.blueprint) {
    throw new IntegrityError({
      code: "blueprint-digest",
      message: `the header names blueprint \`${header.blueprint}\`, its source is blueprint \`${resolved.agent.blueprint}\``,
    });
  }
  const narrowing = new Narrowing(layersOf(resolved, header));
  const { authority } = narrowing;
  const tools = toolsOf(resolved, {
    authority,
    depth: header.depth,
    world: noWorld(),
  });
  const spec = () => specOf(header, resolved, { tools, authority });
  const permission = permissionPort(narrowing, spec);
  const approvals = approvalRules(() => narrowing.layers);
  const world = {
    model: { complete: unreachable },
    tools,
    permission,
    approvals,
    start: unreachable,
    resumeChild: unreachable,
  };
  if (hosts === undefined) {
    const sealed = new SealedReplay(journal);
    const noHooks = {
      gates: () => sealed,
      loadHooks: () => Promise.resolve(),
      rearm: () => true,
      revoke: () => undefined,
      leases: recordedLeases(sealed),
    };
    const run = new Run(spec(), { journal: sealed, ...world, ...noHooks });
    sealed.run = run;
    return { run, close: () => Promise.resolve() };
  }
  return assemble({
    spec: spec(),
    hooks: resolved.hooks,
    chain: resolved.chain,
    shadows: await shadowsOf(resolved, header.shadows, store),
    journal,
    ...world,
    hosts,
    component: (hook) => store.get(hook.component),
    files: { perform: unreachable },
    permitFile: (action, path) => authority.file(action, path),
    leases: leasesOf(resolved, header, () => narrowing.layers),
    deadlines: false,
    child: false,
  });
}

function unreachable(): never {
  throw new BugError({ code: "replay-reached-out", message: "a replay reached for the world" });
}
