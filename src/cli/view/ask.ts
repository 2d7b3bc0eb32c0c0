import type { ApprovalAnswer } from "../../model/entry.ts";
import type { PendingApproval } from "../../runtime.ts";
import { approvalLines } from "../approval/lines.ts";

/** Who pressed a key sooner had not read anything yet. */
const QUIET_MS = 400;

/**
 * Shows an approval on the terminal behind stderr and waits for a key. Undefined when the answer is left for later, also by Ctrl-C
 * and when the terminal goes away. Ink and React are loaded here.
 */
export async function askPerson(pending: PendingApproval): Promise<ApprovalAnswer | undefined> {
  process.env.NODE_ENV ??= "production";
  process.env.FORCE_COLOR = process.env.NO_COLOR ? "0" : "1";
  const [{ render }, { createElement }, { Question }] = await Promise.all([
    import("ink"),
    import("react"),
    import("./question.ts"),
  ]);
  const { promise, resolve } = Promise.withResolvers<ApprovalAnswer | undefined>();
  const { approval, run, scopes } = pending;
  const question = {
    title: `approval ${approval} of run ${run}`,
    lines: approvalLines(pending),
    quietMs: QUIET_MS,
    mayHold: scopes.includes("run"),
    onAnswer: resolve,
  };
  const view = render(createElement(Question, question), {
    stdout: process.stderr,
    exitOnCtrlC: false,
    patchConsole: false,
  });
  const gone = (): void => resolve(undefined);
  process.stdin.once("end", gone);
  try {
    return await promise;
  } finally {
    process.stdin.off("end", gone);
    view.unmount();
    await view.waitUntilExit();
  }
}
