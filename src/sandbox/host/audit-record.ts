import { canonicalJson } from "../../model/canonical.ts";
import type { AuditRide, BufferedHostcall } from "../../model/hook.ts";
import type { Json } from "../../model/json.ts";

/**
 * What the hooks of one boundary said, as those of `audit` see it. The kernel makes the same record from the same answers
 * (`BoundaryRecord` in the pipeline) and compares; here it only saves a trip.
 */
export class AuditRecord {
  readonly #verdicts: { readonly hook: string; readonly decision: string; readonly rationale: string }[] = [];
  readonly #events: { readonly hook: string; readonly kind: string; readonly data: Json }[] = [];
  readonly #capsules: { readonly hook: string; readonly kind: string; readonly value: Json }[] = [];
  readonly #approvals: { readonly hook: string; readonly request: Json }[] = [];

  log(hook: string, calls: readonly BufferedHostcall[]): void {
    for (const call of calls) {
      if (call.call === "emit-event") this.#events.push({ hook, kind: call.kind, data: call.data });
      if (call.call === "write-capsule") this.#capsules.push({ hook, kind: call.kind, value: call.value });
      if (call.call === "request-approval") this.#approvals.push({ hook, request: call.request });
    }
  }

  verdict(hook: string, decision: string, rationale: string): void {
    this.#verdicts.push({ hook, decision, rationale });
  }

  /** Canonical JSON. */
  text({ boundary, step, subject, denied, approved }: AuditRide): string {
    const unmet = this.#approvals.some(({ hook }) => !approved.includes(`hook ${hook}`));
    const blocked = denied || unmet || this.#verdicts.some(({ decision }) => decision === "block");
    return canonicalJson({
      boundary,
      step,
      subject,
      decision: blocked ? "block" : "allow",
      verdicts: this.#verdicts,
      events: this.#events,
      capsules: this.#capsules,
      approvals: this.#approvals,
    });
  }
}
