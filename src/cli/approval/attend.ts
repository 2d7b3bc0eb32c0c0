import type { ApprovalAnswer } from "../../model/entry.ts";
import { DeniedError, InputError } from "../../model/errors.ts";
import { answerApproval, type Environment, type RunSummary, resumeRun } from "../../runtime.ts";
import type { Output } from "../output.ts";
import { person, user } from "../person.ts";
import { visible } from "../visible.ts";
import { watched } from "../watched.ts";

/**
 * On a terminal, asks whoever sits there for each approval that the run waits for, and goes on with the run when it is answered. The
 * summary of where it rests then; the one that was given off a terminal, and when the answer is left for later.
 */
export async function attended(
  first: RunSummary,
  { json, out, env }: { readonly json: boolean; readonly out: Output; readonly env: Environment },
): Promise<RunSummary> {
  let summary = first;
  if (json || !process.stdin.isTTY || !process.stderr.isTTY || process.env.TERM === "dumb") return summary;
  for (let [pending] = summary.approvals; pending !== undefined && !pending.expired; [pending] = summary.approvals) {
    if (!mayAnswerHere(pending)) return summary;
    const answer = await (await import("../view/ask.ts")).askPerson(pending);
    if (answer === undefined) return summary;
    if (!(await answered(pending, answer, { out, env }))) return summary;
    const { run } = summary;
    summary = await watched(out, (watching) => resumeRun({ run, by: person(), ...watching }, env));
  }
  return summary;
}

/** Whoever sits here could only be refused: the answer is to be signed, or another's. The summary says how to give it. */
function mayAnswerHere({ demands }: RunSummary["approvals"][number]): boolean {
  return demands.every(({ users, keys }) => keys.length === 0 && (users.length === 0 || users.includes(user())));
}

/** Whether the answer counts. One that does not is said, and the run still waits. */
async function answered(
  { run, approval }: { readonly run: string; readonly approval: string },
  answer: ApprovalAnswer,
  { out, env }: { readonly out: Output; readonly env: Environment },
): Promise<boolean> {
  try {
    await answerApproval({ run, approval, answer, by: person(), user: user() }, env);
    return true;
  } catch (error) {
    if (!(error instanceof DeniedError || error instanceof InputError)) throw error;
    out.talk(visible(error.message));
    return false;
  }
}
