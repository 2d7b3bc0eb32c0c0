import type { BufferedHostcall, Decision, FailureCause, PinnedHook } from "../model/hook.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { Audit } from "../model/payload.ts";
import type { Phase } from "../model/phase.ts";
import type { Permission } from "../model/tool.ts";

/** What one hook said at one boundary. */
export interface HookVerdict {
  readonly hook: PinnedHook;
  readonly decision: Decision | "failed";
  readonly cause?: FailureCause;
  readonly rationale: string;
  /** Instructions that the call executed; absent where the world cut it short or it never began. */
  readonly fuel?: number | undefined;
  readonly calls: readonly string[];
  /** Of a `transform`: canonical text of what it made of the payload. */
  readonly text?: string;
}

/** Everything that the hooks of a boundary said, in order, before the audit has seen it. */
export class BoundaryRecord {
  readonly verdicts: HookVerdict[] = [];
  readonly events: { hook: string; kind: string; data: Json }[] = [];
  readonly capsules: { hook: string; kind: string; value: Json }[] = [];
  readonly approvals: { hook: string; request: Json }[] = [];
  permission: Permission | undefined;

  readonly phase: Phase;
  readonly step: number;
  readonly subject: string;
  constructor(at: { readonly phase: Phase; readonly step: number; readonly subject: string }) {
    this.phase = at.phase;
    this.step = at.step;
    this.subject = at.subject;
  }

  log(hook: string, calls: readonly BufferedHostcall[]): void {
    for (const call of calls) {
      if (call.call === "emit-event") this.events.push({ hook, kind: call.kind, data: call.data });
      if (call.call === "write-capsule") this.capsules.push({ hook, kind: call.kind, value: call.value });
      if (call.call === "request-approval") this.approvals.push({ hook, request: call.request });
    }
  }

  /** What a hook that failed wrote into capsules is not kept. */
  forget(hook: string): void {
    const kept = this.capsules.filter((capsule) => capsule.hook !== hook);
    this.capsules.splice(0, this.capsules.length, ...kept);
  }

  /** The same as if one hook had not been asked. */
  without(hook: string): BoundaryRecord {
    const record = new BoundaryRecord(this);
    record.verdicts.push(...this.verdicts.filter((verdict) => verdict.hook.name !== hook));
    record.approvals.push(...this.approvals.filter((approval) => approval.hook !== hook));
    record.permission = this.permission;
    return record;
  }

  /** An approval that was asked for is an obligation; nobody can meet one yet, so it blocks. */
  decision(): "allow" | "block" {
    const blocked =
      this.verdicts.some((v) => v.decision === "block" || v.decision === "failed") ||
      this.permission?.allow === false ||
      this.approvals.length > 0;
    return blocked ? "block" : "allow";
  }

  audit(): Audit {
    return {
      boundary: this.phase,
      step: this.step,
      subject: this.subject,
      decision: this.decision(),
      verdicts: this.verdicts.map((v) => ({ hook: v.hook.name, decision: v.decision, rationale: v.rationale })),
      events: this.events,
      capsules: this.capsules,
      approvals: this.approvals,
    };
  }

  /** Why the boundary came out as it did, in words that passed the audit: what blocked first, or the first rationale. */
  reason(audited: Audit): string {
    const parts: string[] = [];
    if (this.permission?.allow === false) parts.push(`${this.permission.rule}: ${this.permission.reason}`);
    for (const v of audited.verdicts) {
      if (v.decision === "block") parts.push(`hook \`${v.hook}\`: ${v.rationale}`);
      if (v.decision === "failed") parts.push(v.rationale);
    }
    for (const a of audited.approvals)
      parts.push(`hook \`${a.hook}\` demands an approval, and nobody can give one yet`);
    return parts.length > 0 ? parts.join("; ") : "allowed";
  }

  /** One object a verdict for the journal. */
  verdictsInClear(audited: Audit): JsonObject[] {
    return this.verdicts.map((v, i) => ({
      hook: v.hook.name,
      digest: v.hook.digest,
      role: v.hook.role,
      tier: v.hook.tier,
      ...(v.hook.signer === null ? {} : { signer: v.hook.signer.id }),
      decision: v.decision,
      rationale: audited.verdicts[i]?.rationale ?? "",
      ...(v.cause === undefined ? {} : { cause: v.cause }),
      ...(v.fuel === undefined ? {} : { fuel: v.fuel }),
      ...(v.calls.length === 0 ? {} : { calls: v.calls }),
    }));
  }
}

/** A buffered hostcall in a few words, for the journal. */
export function nameOf(call: BufferedHostcall): string {
  switch (call.call) {
    case "emit-event":
      // Its kind is the guest's own word; it stands with the event, where the audit has seen it.
      return call.call;
    case "write-capsule":
    case "read-capsule":
      return `${call.call}:${call.kind}`;
    case "random":
      return `random:${call.bytes}`;
    case "request-approval":
    case "now":
      return call.call;
  }
}
