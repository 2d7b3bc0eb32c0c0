import { canonicalJson } from "../model/canonical.ts";
import type { Outcome } from "../model/entry.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { CallFacts, PreTool } from "../model/payload.ts";
import { type Permission, ToolError } from "../model/tool.ts";
import type { Admitted } from "./calls.ts";
import type { LeasedCall, TakenLeases } from "./leases.ts";
import type { Run } from "./run.ts";

/**
 * What leases mean for a call: gates see which ones serve it, none that serves denies it, and what it uses is taken between the
 * boundary and the effect. A hook's own calls go by what the hook was granted, and need none.
 */
export function leasedPayload(run: Run, { leases: _, ...payload }: PreTool): PreTool {
  const leases = ofAgent(payload.call) ? run.ports.leases.facts(leasedCall(run, payload)) : undefined;
  return leases === undefined ? payload : { ...payload, leases };
}

/** Effective permission with that of the leases: the layers ∩ a lease (invariant 6). Pure. */
export function permitted(run: Run, payload: PreTool): Permission {
  const { call, resolution } = payload;
  const permission = run.ports.tools.permit(call, resolution);
  if (!permission.allow || !ofAgent(call)) return permission;
  const leased = run.ports.leases.permit(leasedCall(run, payload));
  if (leased === undefined) return permission;
  return leased.allow ? { ...permission, rule: `${permission.rule}; ${leased.rule}` } : leased;
}

/** Says in the journal that no lease serves what the layers allow. */
export function noteLeases(run: Run, call: CallFacts, resolution: JsonObject): void {
  if (!ofAgent(call) || !run.ports.tools.permit(call, resolution).allow) return;
  run.ports.leases.note(leasedCall(run, { call, resolution }));
}

/** Takes what the call uses. It may be gone: a hook or a person has revoked it after the gates were asked. */
export function takeLeases(run: Run, admitted: Admitted): Admitted {
  if (admitted.kind === "refused" || !ofAgent(admitted.facts)) return admitted;
  const leases = run.ports.leases.take(leasedCall(run, { call: admitted.facts, resolution: admitted.resolution }));
  return "refused" in leases ? refused(run, leases.refused) : { ...admitted, leases };
}

/** The same again right before the effect: between the two, other calls were gated. */
export function stillLeased(run: Run, admitted: Admitted): Admitted {
  if (admitted.kind === "refused" || admitted.leases === undefined) return admitted;
  const why = run.ports.leases.ended(admitted.leases);
  return why === undefined ? admitted : refused(run, why);
}

/** What the child is given is part of what is asked of the world. */
export function delegatedIn(leases: TakenLeases | undefined): JsonObject {
  if (leases === undefined || leases.delegated.length === 0) return {};
  return { leases: leases.delegated.map((lease) => ({ ...lease, lineage: [...lease.lineage] })) };
}

/** Performs a call within the time that its leases leave it. */
export async function performLeased(
  leases: TakenLeases | undefined,
  signal: AbortSignal,
  perform: (signal: AbortSignal) => Promise<Json>,
): Promise<Json> {
  const ms = leases?.timeout;
  if (ms === undefined) return perform(signal);
  const limit = AbortSignal.timeout(Math.min(ms, MOST_MS));
  try {
    return await perform(AbortSignal.any([signal, limit]));
  } catch (error) {
    if (signal.aborted || !limit.aborted) throw error;
    throw new ToolError("timeout", `the lease of this call allows it ${ms} ms`);
  }
}

/** The longest that a timer takes (timers(3) of Node: 2³¹ − 1 ms). */
const MOST_MS = 2 ** 31 - 1;

/** Takes the bytes of a result from the leases of the call; what they do not allow is withheld. */
export function spend(run: Run, admitted: Admitted, outcome: Outcome): Outcome {
  if (admitted.kind === "refused" || admitted.leases === undefined || outcome.kind !== "ok") return outcome;
  const bytes = Buffer.byteLength(canonicalJson(outcome.value));
  const why = run.ports.leases.spend(admitted.leases, admitted.facts.id, bytes);
  return why === undefined
    ? outcome
    : { kind: "error", code: "lease-bytes", message: `the result is withheld: ${why}` };
}

function leasedCall(run: Run, { call, resolution }: Pick<PreTool, "call" | "resolution">): LeasedCall {
  const { leases } = call.arguments;
  return {
    id: call.id,
    needs: run.ports.tools.needs(call, resolution),
    bytes: Buffer.byteLength(canonicalJson(call.arguments)),
    delegates: call.tool === "agent.spawn" && Array.isArray(leases) ? leases.map(String) : [],
  };
}

function ofAgent({ origin }: CallFacts): boolean {
  return origin === "model";
}

function refused(run: Run, why: string): Admitted {
  run.counters.blocked += 1;
  return { kind: "refused", reason: `blocked: lease: ${why}` };
}
