import { watchFolder } from "../journal/follow.ts";
import { holderOf } from "../journal/lock.ts";
import type { AnswerStatement } from "../model/approval.ts";
import type { ApprovalAnswer, Control } from "../model/entry.ts";
import { DeniedError, InputError } from "../model/errors.ts";
import type { JsonObject } from "../model/json.ts";
import { signAnswer } from "../trust/answer.ts";
import type { SigningKey } from "../trust/ed25519.ts";
import { mustExist, tellOrAsk } from "./lifecycle.ts";
import { type Environment, runFolder } from "./machine.ts";
import { type ApprovalNews, approvalNews, approvalsBelow, type PendingApproval, pendingApproval } from "./pending.ts";

export interface Answering {
  /** The run that waits, or a run above it. */
  readonly run: string;
  readonly approval: string;
  readonly answer: ApprovalAnswer;
  /** In words for people. */
  readonly by: string;
  /** The user of the operating system who answers. */
  readonly user: string;
  /** Signs the answer. */
  readonly key?: SigningKey | undefined;
}

/** How often a process is looked for that may have died without a trace, in ms. */
const LOOK_MS = 500;

/** What came of an answer. */
export interface Answered {
  readonly run: string;
  readonly approval: string;
  readonly event: "approved" | "denied";
}

/**
 * Answers an approval; the run hears of it and stays paused. Throws `InputError` when no such approval waits, and `DeniedError` when the
 * answer does not count: the wrong person, too late, a scope or a pattern that is not allowed.
 */
export async function answerApproval(answering: Answering, env: Environment): Promise<Answered> {
  const { run, approval, answer, by, user, key } = answering;
  const pending = pendingApproval(mustExist(run, env), env);
  if (pending?.approval !== approval) throw await noSuchApproval(answering, env);
  const statement: AnswerStatement = { run, approval, action: pending.action, answer: { ...answer } as JsonObject };
  const signed = key === undefined ? {} : { signed: signAnswer(key, statement, env.now()) };
  const control: Control = { kind: "answer", approval, answer, by, user, ...signed };
  await tellOrAsk(run, control, env);
  const news = await judged(run, approval, env);
  // Others may have answered at the same time: what became of theirs says nothing of this one.
  const own = news?.answers.filter((one) => one.by === by && one.user === user) ?? [];
  const event = answer.approve ? "approved" : "denied";
  if (own.some((one) => one.event === event && (!answer.approve || one.scope === answer.scope))) {
    return { run, approval, event };
  }
  const why = own.findLast((one) => one.event === "refused")?.why;
  throw new DeniedError({
    code: "answer-refused",
    message: `the answer to approval \`${approval}\` of run \`${run}\` does not count: ${why || `it is ${news?.event ?? "unknown"}`}`,
    hint: "it is in the run's journal; `pinion run approvals` says what waits and who may answer",
  });
}

/** What became of an approval that was answered: a run whose hook is at work judges the answer when the hook is done. */
async function judged(run: string, approval: string, env: Environment): Promise<ApprovalNews | undefined> {
  const folder = runFolder(env, run);
  const watch = watchFolder(folder);
  try {
    for (;;) {
      const isLive = holderOf(folder) !== undefined;
      const news = approvalNews(run, env).get(approval);
      if (news?.event !== "asked" || !isLive) return news;
      await watch.changed(LOOK_MS);
    }
  } finally {
    watch.close();
  }
}

/** What a run and its children wait for. Throws `InputError` when there is no such run. */
export function approvalsOf(run: string, env: Environment): Promise<readonly PendingApproval[]> {
  return approvalsBelow(mustExist(run, env), env);
}

async function noSuchApproval({ run, approval }: Answering, env: Environment): Promise<InputError> {
  const known = approvalNews(run, env).get(approval);
  const waiting = await approvalsBelow(run, env);
  const [what, now] = known === undefined ? ["has no", ""] : ["does not wait for", ` (it is ${known.event})`];
  const list = waiting.map((one) => `\`${one.approval}\` of run \`${one.run}\``).join(", ");
  return new InputError({
    code: "no-such-approval",
    message: `run \`${run}\` ${what} approval \`${approval}\`${now}`,
    hint: list === "" ? "nothing waits for an approval here" : `what waits: ${list}`,
  });
}
