import { actionDigest } from "../model/action.ts";
import type { Demand, Met, Pending } from "../model/approval.ts";
import { canonicalJson, type Digest, digestOf } from "../model/canonical.ts";
import type { Receipt } from "../model/entry.ts";
import { BugError } from "../model/errors.ts";
import type { PinnedHook } from "../model/hook.ts";
import type { JsonObject } from "../model/json.ts";
import type { Audit, Common, Payloads } from "../model/payload.ts";
import type { Phase } from "../model/phase.ts";
import type { Permission } from "../model/tool.ts";
import { auditBoundary } from "./audit.ts";
import { type Asked, type ChainParts, HookChain, type Ride } from "./chain.ts";
import type { Plan } from "./plan.ts";
import { BoundaryRecord } from "./record.ts";
import type { Shadows } from "./shadows.ts";

/** What is asked at a boundary. */
export interface Question<P extends Phase> {
  readonly phase: P;
  /** What the boundary is about, in a few words that may stand in clear: a call id, a state. */
  readonly subject: string;
  readonly payload: Payloads[P];
  /** Effective permission over the payload that the gates see. */
  readonly permit?: (payload: Payloads[P]) => Permission;
  /** What is wrong with a payload beyond its schema, e.g. arguments that do not fit the tool. */
  readonly invalid?: (payload: Payloads[P]) => string | undefined;
  /** Called when transformers changed the payload, before the gates see it: reads again what the world resolves. */
  readonly revise?: (payload: Payloads[P]) => Promise<Payloads[P]>;
  /** What rules demand for the payload that the gates see, and the approval that covers it, with those whose demands that meets. */
  readonly approvals?: {
    demands(payload: Payloads[P]): readonly Demand[];
    covering(payload: Payloads[P]): (Met & { readonly by: readonly string[] }) | undefined;
  };
  /** What of an allowed payload is written to the journal in clear; the payload itself unless given. */
  readonly clear?: (payload: Payloads[P]) => JsonObject;
}

/** What came of it. */
export interface Boundary<P extends Phase> {
  readonly phase: P;
  readonly decision: "allow" | "block";
  /** Why, in words that passed the audit. */
  readonly reason: string;
  /** The payload after the transformers. Only to be used when the decision is `allow`. */
  readonly payload: Payloads[P];
  readonly receipt: Receipt;
  /** Of an allowed call or spawn: the digest of the action that was let through. */
  readonly action: Digest | undefined;
  /** Nothing but approvals that nobody has given yet stands against it. */
  readonly pending: Pending | undefined;
  /** Under which approval it was allowed. */
  readonly met: Met | undefined;
  /** The audit did not let the record through: the boundary is not complete and the run pauses. */
  readonly unaudited: boolean;
  readonly capsules: Audit["capsules"];
  readonly events: Audit["events"];
}

export interface PipelineParts extends ChainParts {
  readonly plan: Plan;
  /** What is wrong with a payload by the schema of its phase. */
  invalidPayload(phase: Phase, payload: unknown): string | undefined;
  /** Hooks that are asked the same and never obeyed. */
  readonly shadows?: Shadows;
}

/** One run's pipeline: asks the chain of a phase and folds what the hooks say into one verdict. Fails closed. */
export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #chain: HookChain;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#chain = new HookChain(parts);
  }

  /** Mutate, then validate: transformers, schema, permission, every gate, obligations, audit, journal (invariant 5). */
  async dispatch<P extends Exclude<Phase, "audit">>(question: Question<P>): Promise<Boundary<P>> {
    const { journal, plan, level } = this.#parts;
    const { phase, subject } = question;
    const record = new BoundaryRecord({ phase, step: question.payload.step, subject });
    const original = canonicalJson(question.payload);
    const auditors = plan.audit.hooks;
    const ride: Ride = { hooks: auditors, boundary: phase, step: record.step, subject, ...foreseen(question) };
    const { text, riding } = await this.#ask(question, original, { hooks: plan[phase].hooks, record, ride });
    const payload = text === original ? question.payload : (JSON.parse(text) as Payloads[P]);
    if (question.permit !== undefined) record.permission = question.permit(payload);
    const cover = question.approvals?.covering(payload);
    record.rules = question.approvals?.demands(payload) ?? [];
    record.met = cover?.by ?? [];

    const audit = await auditBoundary(record, auditors, {
      ask: async (auditText, hooks, into, invalid) => {
        const asking = { phase: "audit", record: into, invalid } as const;
        if (riding !== undefined) return this.#chain.askRiding(riding, auditText, hooks, asking);
        return (await this.#chain.ask(auditText, hooks, asking)).text;
      },
      invalid: (value) => this.#parts.invalidPayload("audit", value) ?? this.#invalidCapsules(value as Audit),
    });
    const invalid = this.#invalid(question);
    await this.#parts.shadows?.watch({ phase, record, original, text, blocked: !audit.complete, invalid }, level);
    await this.#parts.shadows?.watch(audit.asked, level);
    const decision = audit.complete ? record.decision() : "block";
    const reason = audit.complete ? record.reason(audit.clear) : audit.reason;
    const { events, capsules, approvals } = audit.clear;
    const isPending = audit.complete && record.isPending();
    const acts = decision === "allow" && (phase === "pre-tool" || phase === "spawn");
    const demands = record.demands();
    const action = acts || isPending || demands.length > 0 ? actionDigest(phase, payload) : undefined;
    const met = decision === "allow" && demands.length > 0 ? cover : undefined;
    const receipt = journal.check("check.boundary", {
      phase,
      step: record.step,
      subject,
      level,
      input: journal.commitment(original),
      verdicts: record.verdictsInClear(audit.clear),
      ...(record.permission === undefined ? {} : { permission: { ...record.permission } }),
      events,
      capsules,
      approvals,
      audit: audit.verdicts,
      decision,
      reason,
      ...(action === undefined ? {} : { action }),
      ...(demands.length === 0 ? {} : { demands: [...demands] }),
      ...(met === undefined ? {} : { approval: met.approval }),
      ...(isPending ? { pending: true, digest: digestOf(text), payload: JSON.parse(text) as JsonObject } : {}),
      ...(decision === "allow"
        ? { digest: digestOf(text), payload: question.clear?.(payload) ?? (JSON.parse(text) as JsonObject) }
        : {}),
    });
    const pending = isPending && action !== undefined ? { action, subject, demands } : undefined;
    const kept = audit.complete ? capsules : [];
    const told = { phase, decision, reason, payload, receipt, events };
    return { ...told, action: acts ? action : undefined, pending, met, unaudited: !audit.complete, capsules: kept };
  }

  /** The chain of the phase itself. */
  async #ask<P extends Exclude<Phase, "audit">>(
    question: Question<P>,
    original: string,
    {
      hooks,
      record,
      ride,
    }: { readonly hooks: readonly PinnedHook[]; readonly record: BoundaryRecord; readonly ride: Ride },
  ): Promise<Asked> {
    const { phase } = question;
    const invalid = this.#invalid(question);
    const wrong = invalid(question.payload);
    if (wrong !== undefined) {
      const message = `the payload of \`${phase}\` does not fit its schema: ${wrong}`;
      throw new BugError({ code: "bad-payload", message });
    }
    const gates = hooks.filter((hook) => hook.role !== "transformer");
    const first = await this.#chain.ask(original, hooks, { phase, record, invalid, ride, stopBefore: gates[0]?.name });
    if (first.text === original) return first;
    const text =
      question.revise === undefined
        ? first.text
        : canonicalJson(await question.revise(JSON.parse(first.text) as Payloads[P]));
    await this.#chain.ask(text, gates, { phase, record, invalid });
    return { text, riding: undefined };
  }

  /** What is wrong with a payload that a transformer returned, or undefined. */
  #invalid<P extends Exclude<Phase, "audit">>({
    phase,
    payload,
    invalid,
  }: Question<P>): (value: unknown) => string | undefined {
    const fixed = commonOf(payload);
    return (value) =>
      this.#parts.invalidPayload(phase, value) ??
      (commonOf(value as Payloads[P]) === fixed ? undefined : "it changes who asks, or what has been used") ??
      invalid?.(value as Payloads[P]);
  }

  #invalidCapsules(audit: Audit): string | undefined {
    for (const { kind, value } of audit.capsules) {
      const wrong = this.#parts.invalidCapsule(kind, value);
      if (wrong !== undefined) return `capsule \`${kind}\`: ${wrong}`;
    }
    return undefined;
  }
}

/** What is known of a boundary before its hooks are asked, if they leave the payload as it is. */
function foreseen<P extends Phase>({ payload, permit, approvals }: Question<P>): Pick<Ride, "denied" | "approved"> {
  const approved = approvals?.covering(payload)?.by ?? [];
  const unmet = approvals?.demands(payload).some(({ by }) => !approved.includes(by)) === true;
  return { denied: permit?.(payload).allow === false || unmet, approved };
}

/** What no transformer may change in any payload. */
function commonOf({ agent, step, usage }: Common): string {
  return canonicalJson({ agent, step, usage });
}
