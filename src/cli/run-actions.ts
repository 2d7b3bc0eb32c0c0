import { EXIT, type ExitCode } from "../model/errors.ts";
import { listRuns, rearmHook, resumeRun } from "../runtime.ts";
import { watched } from "./blueprint-run.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { painter } from "./output.ts";
import { summaryText } from "./summary.ts";
import { columns } from "./table.ts";
import { jsonLine, visible } from "./visible.ts";

export async function list({ json, out }: Call<object>): Promise<ExitCode> {
  const rows = await listRuns(environment());
  if (json) out.data(jsonLine(rows));
  else if (rows.length === 0) out.talk("no runs yet");
  else {
    const when = (at: number | null) => (at === null ? "" : new Date(at).toISOString().slice(0, 19));
    out.data(
      columns(
        rows.map((row) => [row.run, row.state, row.agent, when(row.startedAt), `${row.steps} steps`, row.reason]),
      ),
    );
  }
  return EXIT.ok;
}

export async function rearm({ args, options, json, out }: Call<{ reason: string }>): Promise<ExitCode> {
  const [run = "", hook = ""] = args;
  const request = { run, hook, reason: options.reason };
  await rearmHook(request, environment());
  if (json) out.data(jsonLine(request));
  else out.data(visible(`hook ${hook} will be asked again; go on with: pinion run resume ${run}`));
  return EXIT.ok;
}

export async function resume({ args: [run = ""], json, out }: Call<object>): Promise<ExitCode> {
  const summary = await watched(out, (watching) => resumeRun({ run, ...watching }, environment()));
  out.data(json ? jsonLine(summary) : summaryText(summary, painter(process.stdout)));
  return summary.exit;
}
