import type { ExitCode } from "../model/errors.ts";
import { type RunSummary, runBlueprint, type Watching } from "../runtime.ts";
import type { Call } from "./command.ts";
import { environment, type SecretsOptions } from "./environment.ts";
import { interruptible } from "./interrupt.ts";
import { type Output, painter } from "./output.ts";
import { summaryText } from "./summary.ts";
import { jsonLine } from "./visible.ts";
import { watcher } from "./watch.ts";

interface Options extends SecretsOptions {
  readonly goal: string;
  readonly workspace: string;
  readonly model?: string;
  readonly baseUrl?: string;
  readonly policy?: string;
  readonly record?: string;
  readonly shadow?: string;
}

/** `blueprint run`: the timeline goes to stderr as it happens, the summary to stdout at the end. */
export async function run({ args: [file = ""], options, json, out }: Call<Options>): Promise<ExitCode> {
  const { goal, workspace, model, baseUrl, policy, record } = options;
  const shadows = options.shadow?.split(",") ?? [];
  const summary = await watched(out, (watching) =>
    runBlueprint({ file, goal, workspace, model, baseUrl, policy, record, shadows, ...watching }, environment(options)),
  );
  out.data(json ? jsonLine(summary) : summaryText(summary, painter(process.stdout)));
  return summary.exit;
}

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
