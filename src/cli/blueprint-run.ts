import type { ExitCode } from "../model/errors.ts";
import { recordRun, runBlueprint } from "../runtime.ts";
import { attended } from "./approval/attend.ts";
import type { Call } from "./command.ts";
import { environment, type SecretsOptions } from "./environment.ts";
import { painter } from "./output.ts";
import { summaryText } from "./summary.ts";
import { jsonLine } from "./visible.ts";
import { watched } from "./watched.ts";

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
  const env = environment(options);
  const first = await watched(out, (watching) =>
    runBlueprint({ file, goal, workspace, model, baseUrl, policy, record, shadows, ...watching }, env),
  );
  const rested = await attended(first, { json, out, env });
  const summary = rested === first || record === undefined ? rested : await recordRun(rested, record, env);
  out.data(json ? jsonLine(summary) : summaryText(summary, painter(process.stdout)));
  return summary.exit;
}
