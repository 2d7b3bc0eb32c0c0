import { EXIT, type ExitCode } from "../../model/errors.ts";
import { killRun, type Obeyed, pauseRun, rearmHook, resumeRun, revokeHandles, terminateRun } from "../../runtime.ts";
import { attended } from "../approval/attend.ts";
import type { Call } from "../command.ts";
import { environment, type SecretsOptions } from "../environment.ts";
import { type Output, painter } from "../output.ts";
import { person } from "../person.ts";
import { summaryText } from "../summary.ts";
import { jsonLine, visible } from "../visible.ts";
import { watched } from "../watched.ts";

export interface Waiting {
  readonly wait: boolean;
  readonly timeout: number;
}

export async function pause({ args: [run = ""], options, json, out }: Call<Waiting>): Promise<ExitCode> {
  const obeyed = await pauseRun(asking(run, options), environment());
  tell(obeyed, { json, out }, `is paused; go on with: pinion run resume ${run}`);
  return EXIT.ok;
}

export async function terminate(call: Call<Waiting & { readonly force?: true }>): Promise<ExitCode> {
  const { args, options, json, out } = call;
  const [run = ""] = args;
  if (options.force) {
    const { pid } = await killRun(run, environment());
    const next = `it can go on with: pinion run resume ${run}, or end with: pinion run terminate ${run}`;
    out.data(json ? jsonLine({ run, killed: pid }) : `killed process ${pid} of run ${run}; ${next}`);
    return EXIT.ok;
  }
  tell(await terminateRun(asking(run, options), environment()), { json, out }, "is terminated");
  return EXIT.ok;
}

export async function resume({ args: [run = ""], options, json, out }: Call<SecretsOptions>): Promise<ExitCode> {
  const env = environment(options);
  const first = await watched(out, (watching) => resumeRun({ run, by: person(), ...watching }, env));
  const summary = await attended(first, { json, out, env });
  out.data(json ? jsonLine(summary) : summaryText(summary, painter(process.stdout)));
  return summary.exit;
}

type OfHook = Call<Waiting & { readonly reason: string }>;

export async function rearm({ args: [run = "", hook = ""], options, json, out }: OfHook): Promise<ExitCode> {
  const request = { ...asking(run, options), hook, reason: options.reason };
  tellOfHook(await rearmHook(request, environment()), request, { json, out }, "will be asked again");
  return EXIT.ok;
}

export async function revoke({ args: [run = "", hook = ""], options, json, out }: OfHook): Promise<ExitCode> {
  const request = { ...asking(run, options), hook, reason: options.reason };
  tellOfHook(await revokeHandles(request, environment()), request, { json, out }, "has no directory handles any more");
  return EXIT.ok;
}

interface Surface {
  readonly json: boolean;
  readonly out: Output;
}

function tell(obeyed: Obeyed, { json, out }: Surface, done: string): void {
  const { run, process } = obeyed;
  if (json) out.data(jsonLine(obeyed));
  else
    out.data(visible(`run ${run} ${obeyed.done ? done : `was asked: process ${process} obeys at its next boundary`}`));
}

function tellOfHook(
  obeyed: Obeyed,
  { hook, reason }: { readonly hook: string; readonly reason: string },
  { json, out }: Surface,
  done: string,
): void {
  const { run, state, process } = obeyed;
  const next = process === null ? `; go on with: pinion run resume ${run}` : "";
  const said = obeyed.done ? `hook ${hook} ${done}${next}` : `run ${run} was asked: it obeys at its next boundary`;
  out.data(json ? jsonLine({ run, hook, reason, state, done: obeyed.done, process }) : visible(said));
}

export function asking(run: string, { wait, timeout }: Waiting) {
  return { run, by: person(), wait, timeoutMs: timeout * 1000 };
}
