import { resolve as absolute } from "node:path";
import type { ApprovalScope } from "../../model/approval.ts";
import type { ApprovalAnswer } from "../../model/entry.ts";
import { EXIT, type ExitCode, InputError } from "../../model/errors.ts";
import type { Json } from "../../model/json.ts";
import { openKeyFile } from "../../runtime/trust/key-files.ts";
import { allApprovals, answerApproval, approvalsOf, type PendingApproval, resumeRun, topOf } from "../../runtime.ts";
import { attended } from "../approval/attend.ts";
import { answerCommands, approvalLines, bounded } from "../approval/lines.ts";
import { confirmPattern } from "../approval/pattern.ts";
import { wrapped } from "../approval/pieces.ts";
import type { Call } from "../command.ts";
import { environment, type SecretsOptions } from "../environment.ts";
import { painter } from "../output.ts";
import { person, user } from "../person.ts";
import { summaryText } from "../summary.ts";
import { readPassphrase } from "../trust/passphrase.ts";
import { jsonLine } from "../visible.ts";
import { watched } from "../watched.ts";

/** Bytes of one approval in a list of many. */
const BRIEF = 2048;

export async function approvals({ args: [run], json, out }: Call<object>): Promise<ExitCode> {
  const env = environment();
  const found = run === undefined ? await allApprovals(env) : await approvalsOf(run, env);
  if (json) out.data(jsonLine(found));
  else if (found.length === 0) out.talk("nothing waits for an approval");
  else
    out.data(
      groupsOf(found)
        .map((group) => groupText(group, run !== undefined))
        .join("\n\n"),
    );
  return EXIT.ok;
}

/** Those that the same rules and hooks demand, together. */
function groupsOf(found: readonly PendingApproval[]): readonly (readonly PendingApproval[])[] {
  const groups = new Map<string, PendingApproval[]>();
  for (const one of found) {
    const name = one.demands.map(({ by }) => by).join(", ");
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups.values()];
}

function groupText(group: readonly PendingApproval[], whole: boolean): string {
  const paint = painter(process.stdout);
  const by = group[0]?.demands.map((demand) => demand.by).join(", ") ?? "";
  const head = `${group.length} ${group.length === 1 ? "waits" : "wait"}: ${by}`;
  const one = (pending: PendingApproval): string => {
    const { run, approval, agent } = pending;
    const [approve, deny] = answerCommands(pending);
    const lines = approvalLines(pending);
    const shown = whole ? lines : bounded(lines, BRIEF, `all of it: pinion run approvals ${run}`);
    const fitting = wrapped(shown, process.stdout);
    return [`${paint(approval, "strong")} of run ${run}, ${agent}`, ...fitting, `  ${approve}`, `  ${deny}`].join("\n");
  };
  return [paint(head, "warn"), ...group.map(one)].join("\n");
}

interface Options extends SecretsOptions {
  readonly resume?: true;
  readonly key?: string;
  readonly passphraseFd?: number;
  readonly reason?: string;
}
type Approving = Options & { readonly scope?: ApprovalScope; readonly pattern?: string; readonly yes?: true };

export async function approve(call: Call<Approving>): Promise<ExitCode> {
  const { scope, pattern, reason } = call.options;
  if ((scope === "pattern") !== (pattern !== undefined)) {
    throw usage("`--scope pattern` and `--pattern` go together");
  }
  const why = reason === undefined ? {} : { reason };
  if (pattern === undefined) {
    return answered(call, { approve: true, scope: scope === "run" ? "run" : "once", ...why });
  }
  const [run = "", approval = ""] = call.args;
  const read = await confirmPattern(
    { run, approval, pattern, yes: call.options.yes === true, out: call.out },
    environment(),
  );
  return answered(call, { approve: true, scope: "pattern", pattern: read as Json, ...why });
}

export async function deny(call: Call<Options & { readonly reason: string }>): Promise<ExitCode> {
  return answered(call, { approve: false, reason: call.options.reason });
}

async function answered({ args, options, json, out }: Call<Options>, answer: ApprovalAnswer): Promise<ExitCode> {
  const [run = "", approval = ""] = args;
  const env = environment(options);
  const key =
    options.key === undefined ? undefined : await openKey(absolute(env.cwd, options.key), options.passphraseFd);
  const done = await answerApproval({ run, approval, answer, by: person(), user: user(), key }, env);
  const top = topOf(run, env);
  if (options.resume !== true) {
    out.data(json ? jsonLine(done) : `${done.event}: ${approval} of run ${run}; go on with: pinion run resume ${top}`);
    return EXIT.ok;
  }
  const first = await watched(out, (watching) => resumeRun({ run: top, by: person(), ...watching }, env));
  const summary = await attended(first, { json, out, env });
  out.data(json ? jsonLine(summary) : summaryText(summary, painter(process.stdout)));
  return summary.exit;
}

async function openKey(file: string, fd: number | undefined) {
  return openKeyFile(file, await readPassphrase(fd, { prompt: `passphrase of ${file}`, isNew: false }));
}

function usage(message: string): InputError {
  return new InputError({ code: "usage", message, hint: "see `pinion run approve --help`" });
}
