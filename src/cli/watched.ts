import type { RunSummary, Watching } from "../runtime.ts";
import { interruptible } from "./interrupt.ts";
import type { Output } from "./output.ts";
import { watcher } from "./watch.ts";

/** Does `work` under the eyes of a watcher, with the signals of the terminal turned into an abort. */
export async function watched(out: Output, work: (watching: Watching) => Promise<RunSummary>): Promise<RunSummary> {
  const eyes = await watcher(out);
  const { signal, release } = interruptible({ ...out, talk: (text) => eyes.notice(text) });
  try {
    return await work({ signal, onEntry: (entry) => eyes.entry(entry), onNotice: (text) => eyes.notice(text) });
  } finally {
    release();
    await eyes.end();
  }
}
