import { setTimeout as wait } from "node:timers/promises";
import type { Family } from "./family.ts";
import type { Ending, ProcessLimits } from "./limits.ts";

/** How often a family is looked at, in ms. */
const LOOK_MS = 50;
/** How often what it wrote is looked at, in ms after the last look was done, which may take a while. */
const WRITTEN_MS = 200;

export interface Watched {
  readonly family: Family;
  readonly limits: ProcessLimits;
  exceeded(): Promise<boolean>;
  /** Called when a limit was exceeded; again at every look until the watch is stopped. */
  onExceeded(why: Ending): void;
}

/** Looks after the limits that count for all processes together, until it is stopped. */
export function startWatch(watched: Watched): { stop(): Promise<void> } {
  const over = new AbortController();
  const watching = Promise.all([lookAfterProcesses(watched, over.signal), lookAfterFiles(watched, over.signal)]);
  // `stop` rejects with it. Until then it is nobody's, and must not end the whole of Pinion.
  watching.catch(() => undefined);
  return {
    async stop() {
      over.abort();
      await watching;
    },
  };
}

async function lookAfterProcesses({ family, limits, onExceeded }: Watched, over: AbortSignal): Promise<void> {
  while (await rest(LOOK_MS, over)) {
    const { processes, cpuMs, residentBytes } = family.usage();
    if (processes > limits.processes) onExceeded("too-many-processes");
    else if (cpuMs > limits.cpuMs) onExceeded("cpu");
    else if (residentBytes > limits.memoryBytes && family.memory() > limits.memoryBytes) onExceeded("memory");
  }
}

async function lookAfterFiles({ exceeded, onExceeded }: Watched, over: AbortSignal): Promise<void> {
  while (await rest(WRITTEN_MS, over)) if (await exceeded()) onExceeded("quota");
}

/** False when the watch is over. */
async function rest(ms: number, over: AbortSignal): Promise<boolean> {
  if (over.aborted) return false;
  await wait(ms, undefined, { signal: over }).catch(() => undefined);
  return !over.aborted;
}
