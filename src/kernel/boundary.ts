import type { Demand, Met, Pending } from "../model/approval.ts";
import { canonicalJson, type Digest } from "../model/canonical.ts";
import type { Receipt } from "../model/entry.ts";
import { BugError } from "../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import type { Payloads } from "../model/payload.ts";
import { CAPSULE_KINDS, type Phase, type RunState } from "../model/phase.ts";
import type { Permission } from "../model/tool.ts";
import type { Verdict } from "./approvals.ts";
import type { Run } from "./run.ts";
import { Halt, mayBeVetoed, mayFollow } from "./state.ts";

/** What the kernel asks of the pipeline; see `Question` there. */
export interface BoundaryQuestion<P extends Phase> {
  readonly phase: P;
  readonly subject: string;
  readonly payload: Payloads[P];
  readonly permit?: (payload: Payloads[P]) => Permission;
  readonly invalid?: (payload: Payloads[P]) => string | undefined;
  readonly revise?: (payload: Payloads[P]) => Promise<Payloads[P]>;
  readonly clear?: (payload: Payloads[P]) => JsonObject;
  readonly approvals?: {
    demands(payload: Payloads[P]): readonly Demand[];
    covering(payload: Payloads[P]): (Met & { readonly by: readonly string[] }) | undefined;
  };
}

export interface Boundary<P extends Phase> {
  readonly decision: "allow" | "block";
  readonly reason: string;
  readonly payload: Payloads[P];
  readonly receipt: Receipt;
  /** Of an allowed call or spawn: the digest of the action that was let through. */
  readonly action: Digest | undefined;
  /** Nothing but approvals that nobody has given yet stands against it. */
  readonly pending: Pending | undefined;
  /** Under which approval it was allowed. */
  readonly met: Met | undefined;
  readonly unaudited: boolean;
  readonly capsules: readonly { readonly kind: string; readonly value: Json }[];
  readonly events: readonly { readonly kind: string; readonly data: Json }[];
}

/** Asks the chain on one level and keeps the books. A boundary that was not audited pauses the run. */
export async function ask<P extends Exclude<Phase, "audit">>(
  run: Run,
  question: BoundaryQuestion<P>,
  level: number,
): Promise<Boundary<P>> {
  const { phase } = question;
  const answer = await run.ports.gates(level).dispatch({
    ...question,
    approvals: {
      demands: (payload) => run.approvals.demands(phase, payload),
      covering: (payload) => run.approvals.covering(phase, payload),
    },
  });
  if (answer.decision === "block" && answer.pending === undefined) run.counters.blocked += 1;
  if (answer.met !== undefined) run.approvals.use(answer.met, answer.receipt);
  for (const event of answer.events) run.counters.redactions += redactionsOf(event);
  for (const capsule of answer.capsules) keepCapsule(run, capsule.kind, capsule.value);
  if (answer.unaudited) run.pauseWhy ??= answer.reason;
  return answer;
}

/** What keeps a run from changing its state: `waits` for an approval, or not. */
export interface Veto {
  readonly why: string;
  readonly waits: boolean;
}

/** Moves the run to another state through its phase. A veto leaves the state as it is; what it is, or undefined. */
export async function transition(run: Run, to: RunState, why: string): Promise<Veto | undefined> {
  const from = run.state;
  if (!mayFollow(from, to)) {
    throw new BugError({ code: "bad-transition", message: `a run that is \`${from}\` cannot become \`${to}\`` });
  }
  const answer = await ask(
    run,
    {
      phase: "state-transition",
      subject: `${from} → ${to}`,
      payload: { ...run.common(), from, to, reason: why },
      invalid: (payload) =>
        payload.from === from && payload.to === to ? undefined : "it changes more than the reason",
    },
    0,
  );
  const paused = run.pauseWhy;
  run.pauseWhy = undefined;
  if (mayBeVetoed(to)) {
    if (paused !== undefined && from !== "paused") throw new Halt("paused", paused);
    if (answer.decision === "block") {
      const verdict = need(run, { phase: "state-transition" }, answer);
      run.reason = verdict.why;
      return { why: verdict.why, waits: verdict.kind === "wait" };
    }
  }
  // What was not let through does not stand in clear, though the state changes all the same.
  const reason = answer.decision === "allow" ? answer.payload.reason : `a hook withheld why: ${answer.reason}`;
  run.state = to;
  run.reason = reason;
  run.journal.check("check.state", { from, to, reason });
  await run.journal.durable();
  return undefined;
}

/** What becomes of a boundary that waits for an approval; it counts as blocked where nobody may be asked. */
export function need<P extends Exclude<Phase, "audit">>(
  run: Run,
  { phase }: Pick<BoundaryQuestion<P>, "phase">,
  { pending, payload, receipt, reason }: Boundary<P>,
): Verdict {
  if (pending === undefined) return { kind: "refuse", why: reason };
  const verdict = run.approvals.need({ ...pending, phase, payload, receipt });
  if (verdict.kind === "refuse") run.counters.blocked += 1;
  return verdict;
}

/** The capsules of a parent, as a child starts with them. */
export function inherit(run: Run, capsules: JsonObject): void {
  for (const [kind, value] of Object.entries(capsules)) keepCapsule(run, kind, value);
}

function keepCapsule(run: Run, kind: string, value: Json): void {
  const known = CAPSULE_KINDS.find((k) => k === kind);
  if (known !== undefined) run.capsules.set(known, { value, text: canonicalJson(value) });
}

function redactionsOf(event: { readonly kind: string; readonly data: Json }): number {
  if (event.kind !== "redaction" || !isJsonObject(event.data)) return 0;
  const count = event.data.count;
  return typeof count === "number" && Number.isSafeInteger(count) && count > 0 ? count : 0;
}
