import { canonicalJson, digestOf } from "../model/canonical.ts";
import type { Journal, Receipt } from "../model/entry.ts";
import { type FailureCause, type HookEvent, type HookOutcome, HostFault, type PinnedHook } from "../model/hook.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { Audit, Payloads } from "../model/payload.ts";
import type { Phase } from "../model/phase.ts";
import type { Permission } from "../model/tool.ts";
import { auditBoundary } from "./audit.ts";
import type { Failures } from "./failures.ts";
import type { Instances } from "./instances.ts";
import type { Plan } from "./plan.ts";
import { BoundaryRecord, type HookVerdict, nameOf } from "./record.ts";

/** What is asked at a boundary. */
export interface Question<P extends Phase> {
  readonly phase: P;
  /** What the boundary is about, in a few words that may stand in clear: a call id, a state. */
  readonly subject: string;
  readonly payload: Payloads[P];
  /** Effective permission over the payload that the gates will see. */
  readonly permit?: (payload: Payloads[P]) => Permission;
  /** What is wrong with a payload beyond its schema, e.g. arguments that do not fit the tool. */
  readonly invalid?: (payload: Payloads[P]) => string | undefined;
  /** Called once when transformers changed the payload, before the gates see it: reads again what the world resolves. */
  readonly revise?: (payload: Payloads[P]) => Promise<Payloads[P]>;
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
  /** The audit did not let the record through: the boundary is not complete and the run pauses. */
  readonly unaudited: boolean;
  readonly capsules: Audit["capsules"];
  readonly events: Audit["events"];
}

export interface DispatchParts {
  readonly plan: Plan;
  readonly instances: Instances;
  readonly failures: Failures;
  readonly journal: Journal;
  /** What is wrong with a payload by the schema of its phase. */
  invalidPayload(phase: Phase, payload: unknown): string | undefined;
  /** What is wrong with a capsule: an unknown kind, a value that does not fit, too many bytes. */
  invalidCapsule(kind: string, value: Json): string | undefined;
  /** Serves a hostcall that goes into the world, and journals it. Never throws for what the guest did. */
  serve(event: HookEvent & { readonly kind: "hostcall" }, at: HostcallContext): Promise<{ readonly ok: Json } | { readonly error: string }>;
  capsules(): Readonly<Record<string, string>>;
  readonly level: number;
}
export interface HostcallContext {
  readonly phase: Phase;
  readonly hook: PinnedHook;
  readonly level: number;
}

/** One run's pipeline: asks the chain of a phase and folds what the hooks say into one verdict. Fails closed. */
export class Pipeline {
  readonly #parts: DispatchParts;
  #boundaries = 0;

  constructor(parts: DispatchParts) {
    this.#parts = parts;
  }

  /** Mutate, then validate: transformers, schema, permission, every gate, obligations, audit, journal (invariant 5). */
  async dispatch<P extends Exclude<Phase, "audit">>(question: Question<P>): Promise<Boundary<P>> {
    const { journal, plan, level } = this.#parts;
    this.#boundaries += 1;
    const record = new BoundaryRecord({ phase: question.phase, step: question.payload.step, subject: question.subject });
    const original = canonicalJson(question.payload);
    const text = await this.#ask(question, original, plan[question.phase].hooks, record);
    const payload = text === original ? question.payload : (JSON.parse(text) as Payloads[P]);
    if (question.permit !== undefined) record.permission = question.permit(payload);

    const audit = await auditBoundary(record, plan.audit.hooks, {
      ask: (auditText, hooks, into, checks) => this.#asks("audit", auditText, hooks, into, checks),
      invalid: (value) => this.#parts.invalidPayload("audit", value) ?? this.#invalidCapsules(value as Audit),
    });
    const decision = audit.complete ? record.decision() : "block";
    const reason = audit.complete ? record.reason(audit.clear) : audit.reason;
    const receipt = journal.check("check.boundary", {
      phase: question.phase,
      step: record.step,
      subject: question.subject,
      level,
      input: journal.commitment(original),
      verdicts: record.verdictsInClear(audit.clear),
      ...(record.permission === undefined ? {} : { permission: { ...record.permission } }),
      events: audit.clear.events,
      capsules: audit.clear.capsules,
      approvals: audit.clear.approvals,
      audit: audit.verdicts,
      decision,
      reason,
      ...(decision === "allow"
        ? { digest: digestOf(text), payload: question.clear?.(payload) ?? (JSON.parse(text) as JsonObject) }
        : {}),
    });
    return {
      phase: question.phase,
      decision,
      reason,
      payload,
      receipt,
      unaudited: !audit.complete,
      capsules: audit.complete ? audit.clear.capsules : [],
      events: audit.clear.events,
    };
  }

  /** The chain of the phase itself; returns the canonical text of the payload after its transformers. */
  async #ask<P extends Phase>(
    question: Question<P>,
    original: string,
    hooks: readonly PinnedHook[],
    record: BoundaryRecord,
  ): Promise<string> {
    const invalid = (value: unknown): string | undefined =>
      this.#parts.invalidPayload(question.phase, value) ?? question.invalid?.(value as Payloads[P]);
    const wrong = invalid(question.payload);
    if (wrong !== undefined) throw new TypeError(`the payload of ${question.phase} does not fit its schema: ${wrong}`);

    const transformers = hooks.filter((hook) => hook.role === "transformer");
    const rest = hooks.filter((hook) => hook.role !== "transformer");
    // Consecutive hooks share a round trip; a change of the payload ends it, so that no gate sees what was not validated.
    const first = await this.#asks(question.phase, original, hooks, record, { invalid, stopBefore: rest[0]?.name });
    if (!first.changed) return first.text;
    let text = first.text;
    if (question.revise !== undefined) text = canonicalJson(await question.revise(JSON.parse(text) as Payloads[P]));
    if (record.verdicts.length === transformers.length) {
      await this.#asks(question.phase, text, rest, record, { invalid, stopBefore: undefined });
    }
    return text;
  }

  /**
   * Asks `hooks` in order, starting a new batch after a change or a failure. Stops before `stopBefore` if the
   * payload has changed by then. Every hook leaves a verdict; a failed one leaves `failed`.
   */
  async #asks(
    phase: Phase,
    original: string,
    hooks: readonly PinnedHook[],
    record: BoundaryRecord,
    checks: { readonly invalid: (value: unknown) => string | undefined; readonly stopBefore: string | undefined },
  ): Promise<{ readonly text: string; readonly changed: boolean }> {
    let text = original;
    let next = 0;
    while (next < hooks.length) {
      const hook = hooks[next];
      if (hook === undefined || (text !== original && hook.name === checks.stopBefore)) break;
      if (this.#parts.failures.get(hook.name) === undefined) await this.#parts.instances.ready();
      const failure = this.#parts.failures.get(hook.name);
      if (failure !== undefined) {
        record.verdicts.push(failedVerdict(hook, failure.cause, failure.detail));
        next += 1;
        continue;
      }
      const healthy = hooks.slice(next).findIndex((h) => this.#parts.failures.get(h.name) !== undefined);
      const batch = hooks.slice(next, healthy === -1 ? undefined : next + healthy);
      const before = record.verdicts.length;
      text = await this.#batch(phase, text, batch, record, checks.invalid);
      next += record.verdicts.length - before;
    }
    return { text, changed: text !== original };
  }

  async #batch(
    phase: Phase,
    text: string,
    batch: readonly PinnedHook[],
    record: BoundaryRecord,
    invalid: (value: unknown) => string | undefined,
  ): Promise<string> {
    const { journal, instances, level } = this.#parts;
    const host = await instances.ready();
    const session = host.begin({
      phase,
      payload: text,
      hooks: batch.map((hook) => hook.name),
      now: journal.now(),
      capsules: this.#parts.capsules(),
    });
    const calls: string[] = [];
    for (const hook of batch) {
      for (;;) {
        let event: HookEvent | undefined;
        try {
          event = await journal.faultable({ boundary: this.#boundaries, phase, level, hook: hook.name }, () => session.next());
        } catch (error) {
          if (!(error instanceof HostFault)) throw error;
          await host.kill();
          this.#fail(record, hook, error.fault, error.message, calls);
          return text;
        }
        if (event === undefined) return text;
        record.log(event.hook, event.log);
        calls.push(...event.log.map(nameOf));
        if (event.kind === "hostcall") {
          calls.push(event.call);
          session.answer(await this.#parts.serve(event, { phase, hook, level }));
          continue;
        }
        const capsule = this.#invalidCapsules(record);
        const outcome: HookOutcome =
          capsule === undefined ? event.outcome : { kind: "failed", cause: "malformed", detail: capsule };
        if (outcome.kind === "failed") {
          this.#fail(record, hook, outcome.cause, outcome.detail, calls);
          return text;
        }
        if (outcome.decision === "transform") {
          const replaced = readPayload(outcome.payload, invalid);
          if ("wrong" in replaced) {
            this.#fail(record, hook, "malformed", `its payload is refused: ${replaced.wrong}`, calls);
            return text;
          }
          record.verdicts.push({ hook, decision: "transform", rationale: outcome.rationale, calls: [...calls] });
          return replaced.text;
        }
        record.verdicts.push({ hook, decision: outcome.decision, rationale: outcome.rationale, calls: [...calls] });
        calls.length = 0;
        break;
      }
    }
    return text;
  }

  #fail(record: BoundaryRecord, hook: PinnedHook, cause: FailureCause, detail: string, calls: readonly string[]): void {
    this.#parts.failures.mark({ hook: hook.name, cause, detail });
    this.#parts.instances.discard(hook.name);
    record.forget(hook.name);
    record.verdicts.push({ ...failedVerdict(hook, cause, detail), calls: [...calls] });
  }

  #invalidCapsules(written: Pick<Audit, "capsules">): string | undefined {
    for (const capsule of written.capsules) {
      const wrong = this.#parts.invalidCapsule(capsule.kind, capsule.value);
      if (wrong !== undefined) return `capsule \`${capsule.kind}\` of hook \`${capsule.hook}\`: ${wrong}`;
    }
    return undefined;
  }
}

function failedVerdict(hook: PinnedHook, cause: FailureCause, detail: string): HookVerdict {
  const rationale = `hook \`${hook.name}\` failed (${cause}): ${detail}; it blocks until a person re-arms it`;
  return { hook, decision: "failed", cause, rationale, calls: [] };
}

/** What a transformer returned, read strictly and brought into canonical form. */
function readPayload(
  payload: string | undefined,
  invalid: (value: unknown) => string | undefined,
): { readonly text: string } | { readonly wrong: string } {
  if (payload === undefined) return { wrong: "there is none" };
  try {
    const value: unknown = JSON.parse(payload);
    const wrong = invalid(value);
    return wrong === undefined ? { text: canonicalJson(value) } : { wrong };
  } catch {
    return { wrong: "it is not JSON, or has no canonical form" };
  }
}
