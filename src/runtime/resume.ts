import type { Control } from "../model/entry.ts";
import { childrenOf } from "./children.ts";
import type { Watching } from "./conduct.ts";
import { RunControl, stoppedBy } from "./control/run-control.ts";
import { type Environment, hookHosts } from "./machine.ts";
import { reopen } from "./reopen.ts";
import type { RunSummary } from "./summary.ts";

/**
 * Goes on with a run that paused or was interrupted, on the blueprint that it started with: its journal is replayed to
 * the end and continued. Throws `InputError` when there is no such run, it has ended, or somebody works on it.
 */
export async function resumeRun(
  { run, by = "a person", ...watching }: { readonly run: string; readonly by?: string } & Watching,
  env: Environment,
): Promise<RunSummary> {
  return alone({ run, asked: { kind: "resume", by }, interrupt: watching.signal, watching }, env);
}

const QUIET: Watching = { signal: new AbortController().signal, onEntry: () => undefined, onNotice: () => undefined };

/**
 * Tells a run that nobody works on what a person decided: it is taken up only to hear it. Throws `InputError` as `resumeRun`
 * does, and when the run has no such hook.
 */
export async function tellRun(
  run: string,
  asked: Extract<Control, { kind: "cancel" | "rearm" | "revoke" | "revoke-lease" | "answer" }>,
  env: Environment,
): Promise<RunSummary> {
  // Nothing of a run that is to end is begun or done again: it is stopped before it is taken up.
  const stopped = asked.kind === "cancel" ? stoppedBy(asked.by) : QUIET.signal;
  return alone({ run, asked, interrupt: stopped, watching: QUIET }, env);
}

interface Alone {
  readonly run: string;
  readonly asked: Control;
  readonly interrupt: AbortSignal;
  readonly watching: Watching;
}

/** With hook hosts of its own. */
async function alone({ run, asked, interrupt, watching }: Alone, env: Environment): Promise<RunSummary> {
  const closing: (() => Promise<void>)[] = [];
  try {
    return await reopen({
      run,
      asked,
      control: new RunControl(interrupt),
      watching,
      env,
      machine: async () => {
        const hosts = await hookHosts(env, { spares: 1, onWarning: watching.onNotice });
        closing.push(() => hosts.close());
        return { env, hosts, onNotice: watching.onNotice, childrenOf };
      },
    });
  } finally {
    for (const close of closing) await close();
  }
}
