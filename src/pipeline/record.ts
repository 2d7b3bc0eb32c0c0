import { type Demand, demandOfHook } from "../model/approval.ts";
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
  /** What rules demand, whatever the hooks say. */
  rules: readonly Demand[] = [];
  /** Whose demands an approval meets. */
  met: readonly string[] = [];

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
    record.rules = this.rules;
    record.met = this.met;
    return record;
  }

  /** Who wants a person to agree: each hook and rule once. */
  demands(): readonly Demand[] {
    const hooks = new Set(this.approvals.map(({ hook }) => hook));
    return [...this.rules, ...[...hooks].map(demandOfHook)];
  }

  /** Obligations that no approval meets. */
  unmet(): readonly Demand[] {
    return this.demands().filter(({ by }) => !this.met.includes(by));
  }

  /** What stands against it besides obligations. */
  #denied(): boolean {
    return (
      this.verdicts.some((v) => v.decision === "block" || v.decision === "failed") || this.permission?.allow === false
    );
  }

  /** An approval that is demanded is an obligation: until it is met, it blocks. */
  decision(): "allow" | "block" {
    return this.#denied() || this.unmet().length > 0 ? "block" : "allow";
  }

  /** Whether nothing but obligations stands against it. */
  isPending(): boolean {
    return !this.#denied() && this.unmet().length > 0;
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
    for (const { by } of this.unmet()) parts.push(`${by} demands an approval`);
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
