import { actionDigest } from "../model/action.ts";
import type { ApprovalRules, Demand, Met, Pending } from "../model/approval.ts";
import type { Digest } from "../model/canonical.ts";
import type { ApprovalAnswer, Control, Journal, Receipt } from "../model/entry.ts";
import { BugError } from "../model/errors.ts";
import type { Json } from "../model/json.ts";
import type { Payloads, PreTool } from "../model/payload.ts";
import type { Phase } from "../model/phase.ts";

export type Answer = Extract<Control, { kind: "answer" }>;

/** What a boundary needs a person for. */
export interface Asking extends Pending {
  readonly phase: Phase;
  readonly payload: unknown;
  /** The boundary that shows what is asked. */
  readonly receipt: Receipt;
}

interface Question extends Asking {
  readonly id: string;
  /** By the kernel's clock, in ms. */
  readonly expires: number;
}

interface Grant {
  readonly question: Question;
  readonly answer: ApprovalAnswer & { readonly approve: true };
  used: boolean;
}

/** What becomes of a boundary that needs an approval. */
export type Verdict = { readonly kind: "wait" | "refuse"; readonly why: string };

/**
 * The approvals of one run: what was asked, what was answered, and what an answer covers. One question is open at most.
 * INVARIANT: all of it follows from the boundaries, from the controls, and from the kernel's clock, which only inputs move.
 */
export class Approvals {
  readonly #run: string;
  readonly #rules: ApprovalRules;
  readonly #journal: Journal;
  #open: Question | undefined;
  #asked = 0;
  readonly #grants: Grant[] = [];
  readonly #denied = new Map<Digest, { readonly id: string; readonly why: string; again: number }>();

  constructor(parts: { readonly run: string; readonly rules: ApprovalRules; readonly journal: Journal }) {
    this.#run = parts.run;
    this.#rules = parts.rules;
    this.#journal = parts.journal;
  }

  /** What the rules demand at a boundary, whatever hooks say. */
  demands<P extends Phase>(phase: P, payload: Payloads[P]): readonly Demand[] {
    return phase === "pre-tool" ? this.#rules.demands(payload as PreTool) : [];
  }

  /** The approval under which these demands are met for an action; each of them was shown to whoever gave it. */
  covering<P extends Exclude<Phase, "audit">>(
    phase: P,
    payload: Payloads[P],
  ): (Met & { readonly by: readonly string[] }) | undefined {
    if (this.#grants.length === 0) return undefined;
    const action = actionDigest(phase, payload);
    // Who was asked last was shown all that was demanded by then.
    const grant = this.#grants.findLast((one) => this.#covers(one, { phase, payload, action }));
    return grant && { approval: grant.question.id, by: grant.question.demands.map(({ by }) => by) };
  }

  /** An action was allowed under an approval. */
  use({ approval }: Met, { seq }: Receipt): void {
    const grant = this.#grants.find(({ question }) => question.id === approval);
    if (grant === undefined)
      throw new BugError({ code: "no-approval", message: `nobody has given approval \`${approval}\`` });
    grant.used = true;
    const { action } = grant.question;
    this.#journal.check("check.approval", { approval, event: "used", action, boundary: seq });
  }

  /** An action that everything else allows needs an approval: asks for it, unless it was answered or nobody may be asked any more. */
  need(asking: Asking): Verdict {
    const { action } = asking;
    const denied = this.#denied.get(action);
    if (denied !== undefined) {
      const { id, why, again } = denied;
      denied.again += 1;
      if (again === 0) return { kind: "refuse", why };
      this.#journal.check("check.approval", { approval: id, event: "repeated", action, times: again });
      return { kind: "refuse", why: `${why}; the same was asked for again` };
    }
    if (this.#open !== undefined && !isSame(this.#open, asking))
      this.#close("withdrawn", "another action is asked for now");
    if (this.#open !== undefined && this.#journal.now() >= this.#open.expires) {
      const { id } = this.#open;
      this.#close("expired", "nobody answered in time");
      return { kind: "refuse", why: `nobody answered approval ${id} in time, which is a denial` };
    }
    if (this.#open === undefined && this.#asked >= this.#rules.most) {
      const most = this.#rules.most;
      this.#journal.check("check.limit", { limit: "approvals", allowed: most, used: this.#asked + 1 });
      return { kind: "refuse", why: `it needs an approval, and a run may ask for ${most} only` };
    }
    const open = this.#open ?? this.#ask(asking);
    this.#open = open;
    const until = new Date(open.expires).toISOString();
    const by = open.demands.map((demand) => demand.by).join(", ");
    return { kind: "wait", why: `approval ${open.id} is needed until ${until}: ${by}` };
  }

  /** An answer arrived. What does not count is recorded and changes nothing. */
  hear(control: Answer): void {
    const { approval, answer, by, user } = control;
    const who = { by, user };
    const open = this.#open;
    const keys = open === undefined ? [] : this.#signers(control, open);
    const wrong = open?.id === approval ? this.#wrong(control, open, keys) : this.#notOpen(approval);
    if (open === undefined || wrong !== undefined) {
      this.#journal.check("check.approval", { approval, event: "refused", why: wrong ?? "", ...who });
      return;
    }
    const { action } = open;
    this.#open = undefined;
    if (answer.approve) {
      this.#grants.push({ question: open, answer, used: false });
      const pattern = answer.scope === "pattern" ? { pattern: answer.pattern } : {};
      const told = { approval, event: "approved", action, scope: answer.scope, ...pattern, ...who, keys: [...keys] };
      this.#journal.check("check.approval", told);
      return;
    }
    const why = `approval ${approval} was denied by ${by}: ${answer.reason}`;
    this.#denied.set(action, { id: approval, why, again: 0 });
    const { reason } = answer;
    this.#journal.check("check.approval", { approval, event: "denied", action, reason, ...who, keys: [...keys] });
  }

  #covers(
    { question, answer, used }: Grant,
    { phase, payload, action }: { readonly phase: Phase; readonly payload: unknown; readonly action: Digest },
  ): boolean {
    switch (answer.scope) {
      case "once":
        return !used && question.action === action && this.#journal.now() < question.expires;
      case "run":
        return question.action === action;
      case "pattern":
        return (
          phase === question.phase &&
          this.#rules.covers(answer.pattern, question.payload as PreTool, payload as PreTool)
        );
    }
  }

  #ask(asking: Asking): Question {
    this.#asked += 1;
    const { phase, subject, action, demands, receipt, payload } = asking;
    const now = this.#journal.now();
    const expires = now + Math.min(...demands.map(({ expiresMs }) => expiresMs));
    const id = `a${this.#asked}`;
    this.#journal.check("check.approval", {
      approval: id,
      event: "asked",
      phase,
      subject,
      action,
      demands: [...demands],
      scopes: [...scopesOf({ phase, demands })],
      expires,
      boundary: receipt.seq,
    });
    return { id, phase, subject, action, demands, receipt, payload, expires };
  }

  #close(event: "withdrawn" | "expired", why: string): void {
    if (this.#open === undefined) return;
    const { id, action } = this.#open;
    this.#open = undefined;
    this.#journal.check("check.approval", { approval: id, event, action, why });
  }

  #signers({ approval, answer, signed }: Answer, { action }: Question): readonly string[] {
    return signed === undefined ? [] : this.#rules.signers(signed, { run: this.#run, approval, action, answer });
  }

  /** Why an answer to the open question does not count. */
  #wrong({ answer, user }: Answer, open: Question, keys: readonly string[]): string | undefined {
    if (this.#journal.now() >= open.expires) return LATE;
    for (const { by, users, keys: wanted } of open.demands) {
      if (users.length > 0 && !users.includes(user)) return `${by} lets ${users.join(", ")} answer, not ${user}`;
      if (wanted.length > 0 && !wanted.some((key) => keys.includes(key))) {
        return `${by} wants an answer that is signed by one of its keys`;
      }
    }
    if (!answer.approve) return undefined;
    if (!scopesOf(open).includes(answer.scope)) return `the scope \`${answer.scope}\` is not allowed for this action`;
    if (answer.scope !== "pattern") return undefined;
    return this.#rules.wrongPattern(answer.pattern as Json, open.payload as PreTool);
  }

  #notOpen(approval: string): string {
    const known = Number(/^a([1-9]\d*)$/.exec(approval)?.[1]) <= this.#asked;
    return known ? "it is answered, expired or withdrawn already" : "nobody asked for such an approval";
  }
}

const LATE = "it came too late: nobody answered in time, which is a denial";

/** What an answer may cover: what all demands allow. A pattern is one of calls. */
function scopesOf({ phase, demands }: Pick<Asking, "phase" | "demands">): readonly string[] {
  return (["once", "run", "pattern"] as const).filter(
    (scope) =>
      scope === "once" ||
      (demands.every(({ scopes }) => scopes.includes(scope)) && (scope !== "pattern" || phase === "pre-tool")),
  );
}

/** The same action, demanded by the same. */
function isSame(open: Question, { action, demands }: Asking): boolean {
  const names = (list: readonly Demand[]): string => JSON.stringify(list.map(({ by }) => by));
  return open.action === action && names(open.demands) === names(demands);
}
