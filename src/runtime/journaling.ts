import type { LiveOptions } from "../journal/open.ts";
import { checkpointing } from "./checkpointing.ts";
import type { Watching } from "./conduct.ts";
import type { RunControl } from "./control/run-control.ts";
import { type Environment, keyFolder, runFolder } from "./machine.ts";

/** What the journal of a run needs of the machine, whether the run is new or is taken up again. */
export async function journaling(
  run: string,
  { control, watching }: { readonly control: RunControl; readonly watching: Watching },
  env: Environment,
): Promise<LiveOptions> {
  return {
    folder: runFolder(env, run),
    keys: keyFolder(env),
    clock: () => env.now(),
    monotonic: () => env.monotonic(),
    random: (bytes) => env.random(bytes),
    checkpoints: await checkpointing(env),
    cancel: control.signal,
    onDurable: (entries) => {
      for (const entry of entries) watching.onEntry(entry);
    },
  };
}
