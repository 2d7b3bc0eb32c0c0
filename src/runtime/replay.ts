import { resolveFromStore } from "../blueprint/resolve.ts";
import { RecordingEnds, ReplayDivergence } from "../journal/divergence.ts";
import { replayJournal } from "../journal/open.ts";
import type { Recording } from "../journal/recording.ts";
import { execute, type RunResult } from "../kernel/run.ts";
import { BugError, IntegrityError } from "../model/errors.ts";
import { assemble } from "./assemble.ts";
import { type Environment, hookHosts, resolveDeps, storeOf } from "./machine.ts";
import { layersOf, readHeader, specOf } from "./spec.ts";
import { noWorld, toolsOf } from "./tools.ts";

/** What came of running a recording again. */
export type Reexecuted =
  | { readonly kind: "identical"; readonly result: RunResult; readonly entries: number; readonly steps: number }
  | { readonly kind: "diverged"; readonly error: ReplayDivergence; readonly entries: number; readonly steps: number }
  | { readonly kind: "incomplete"; readonly error: RecordingEnds; readonly entries: number; readonly steps: number };

/**
 * Runs the kernel again on recorded inputs, re-executing every hook. There is no model, no workspace and no network to
 * reach; artifacts come by digest from the store, or from one of the folders `artifacts`. Closes the recording.
 * Throws `InputError` for another kernel version or a missing artifact, `IntegrityError` for what is not what it was.
 */
export async function reexecute(
  recording: Recording,
  options: {
    readonly key: Uint8Array;
    readonly artifacts: readonly string[];
    readonly onNotice: (text: string) => void;
  },
  env: Environment,
): Promise<Reexecuted> {
  const journal = replayJournal(recording, options.key);
  try {
    const header = readHeader(recording.header);
    const store = storeOf(env, options.artifacts);
    const resolved = await resolveFromStore(header.source, resolveDeps(store));
    if (resolved.agent.blueprint !== header.blueprint) {
      throw new IntegrityError({
        code: "blueprint-digest",
        message: `the header names blueprint \`${header.blueprint}\`, its source is blueprint \`${resolved.agent.blueprint}\``,
      });
    }
    const layers = layersOf(resolved, header.inherited);
    const tools = toolsOf(resolved, { layers, depth: header.depth, world: noWorld() });
    const hosts = await hookHosts(env, { spares: 1, onWarning: options.onNotice });
    const unreachable = (): never => {
      throw new BugError({ code: "replay-reached-out", message: "a replay reached for the world" });
    };
    const { run, close } = assemble({
      spec: specOf(header, resolved, tools),
      hooks: resolved.hooks,
      chain: resolved.chain,
      journal,
      model: { complete: unreachable },
      tools,
      hosts,
      component: (hook) => store.get(hook.component),
      files: { perform: unreachable },
      start: unreachable,
      deadlines: false,
    });
    const seen = () => ({ entries: journal.count, steps: run.counters.steps });
    try {
      const result = await execute(run);
      journal.finish();
      return { kind: "identical", result, ...seen() };
    } catch (error) {
      if (error instanceof ReplayDivergence) return { kind: "diverged", error, ...seen() };
      if (error instanceof RecordingEnds) return { kind: "incomplete", error, ...seen() };
      throw error;
    } finally {
      await close();
      await hosts.close();
    }
  } finally {
    await journal.close();
  }
}
