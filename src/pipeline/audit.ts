import { canonicalJson } from "../model/canonical.ts";
import type { PinnedHook } from "../model/hook.ts";
import type { JsonObject } from "../model/json.ts";
import type { Audit } from "../model/payload.ts";
import { BoundaryRecord, type HookVerdict } from "./record.ts";
import type { Watched } from "./shadows.ts";

/** A boundary after its audit. What is not `complete` withholds every word that a guest wrote. */
export interface Audited {
  readonly complete: boolean;
  /** What may stand in clear. */
  readonly clear: Audit;
  /** What the audit's own hooks said, for the journal. */
  readonly verdicts: readonly JsonObject[];
  readonly reason: string;
  /** What its hooks were asked. */
  readonly asked: Watched;
}

interface Asking {
  /** Asks hooks of the audit; returns the payload after its transformers. */
  ask(
    text: string,
    hooks: readonly PinnedHook[],
    into: BoundaryRecord,
    invalid: (value: unknown) => string | undefined,
  ): Promise<string>;
  /** What is wrong with an audit record by its schema, or undefined. */
  invalid(value: unknown): string | undefined;
}

/**
 * Lets the chain of `audit` see what is about to be written of a boundary. Its transformers may change rationales,
 * event data and capsule values (that is how they are redacted), nothing else; its observers see the result.
 * A block or a failure leaves the boundary incomplete. The audit itself is not audited.
 */
export async function auditBoundary(
  record: BoundaryRecord,
  hooks: readonly PinnedHook[],
  asking: Asking,
): Promise<Audited> {
  const original = record.audit();
  const shape = skeleton(original);
  const own = new BoundaryRecord({ phase: "audit", step: record.step, subject: record.subject });
  const invalid = (value: unknown) =>
    asking.invalid(value) ?? (skeleton(value as Audit) === shape ? undefined : "it changes more than texts");
  const before = canonicalJson(original);
  const text = await asking.ask(before, hooks, own, invalid);
  const asked: Watched = { phase: "audit", record: own, original: before, text, blocked: false, invalid };
  const complete = own.decision() === "allow";
  const verdicts = own.verdicts.map((verdict) => inClear(verdict, complete));
  if (!complete) return { complete: false, clear: withheld(original), verdicts, reason: incomplete(own), asked };
  const seen = JSON.parse(text) as Audit;
  // Observers have seen only what transformers let through, so what they write is as clear as that.
  const observers = new Set(hooks.filter((hook) => hook.role === "observer").map((hook) => hook.name));
  const clear: Audit = {
    ...seen,
    events: [...seen.events, ...own.events.filter((event) => observers.has(event.hook))],
    capsules: [...seen.capsules, ...own.capsules.filter((capsule) => observers.has(capsule.hook))],
  };
  return { complete: true, clear, verdicts, reason: "audited", asked };
}

/** Everything of an audit record that a transformer must leave alone, as one string to compare. */
export function skeleton(audit: Audit): string {
  return canonicalJson({
    ...audit,
    verdicts: audit.verdicts.map((verdict) => ({ ...verdict, rationale: "" })),
    events: audit.events.map((event) => ({ ...event, kind: "", data: null })),
    capsules: audit.capsules.map((capsule) => ({ ...capsule, value: null })),
    approvals: audit.approvals.map((approval) => ({ ...approval, request: null })),
  });
}

function withheld(audit: Audit): Audit {
  return {
    ...audit,
    decision: "block",
    verdicts: audit.verdicts.map((verdict) => ({
      ...verdict,
      rationale: "withheld, since the audit did not complete",
    })),
    events: [],
    capsules: [],
    approvals: [],
  };
}

/** Words of a transformer of `audit` may hold what it was to remove, and so may an observer's when the audit did not complete. */
function inClear(verdict: HookVerdict, complete: boolean): JsonObject {
  const ofObserver = complete && verdict.hook.role === "observer";
  const quotable = ofObserver || (verdict.cause !== "error" && verdict.cause !== "malformed");
  return {
    hook: verdict.hook.name,
    digest: verdict.hook.digest,
    role: verdict.hook.role,
    tier: verdict.hook.tier,
    ...(verdict.hook.signer === null ? {} : { signer: verdict.hook.signer.id }),
    decision: verdict.decision,
    ...(verdict.cause === undefined ? {} : { cause: verdict.cause }),
    ...(verdict.fuel === undefined ? {} : { fuel: verdict.fuel }),
    ...((ofObserver || verdict.decision === "failed") && quotable ? { rationale: verdict.rationale } : {}),
    ...(verdict.calls.length === 0 ? {} : { calls: verdict.calls }),
  };
}

function incomplete(record: BoundaryRecord): string {
  const said = record.verdicts
    .filter((verdict) => verdict.decision === "block" || verdict.decision === "failed")
    .map((verdict) =>
      verdict.decision === "failed"
        ? `audit hook \`${verdict.hook.name}\` failed (${verdict.cause})`
        : `audit hook \`${verdict.hook.name}\` blocked`,
    );
  for (const approval of record.approvals) said.push(`audit hook \`${approval.hook}\` demands an approval`);
  return `the audit did not complete: ${said.join("; ")}`;
}
