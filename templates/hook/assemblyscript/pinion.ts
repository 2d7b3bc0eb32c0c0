/** Verdicts and hostcalls of a hook (`wit/hook.wit`). What the host refuses is a text that is not empty. */

export enum Phase {
  PrePlan,
  PreSend,
  PostReceive,
  PreTool,
  PostTool,
  StateTransition,
  Spawn,
  Audit,
}

export enum Decision {
  Allow,
  Block,
  /** Only from hooks with the role `transformer`. */
  Transform,
  /** An error: a block, for this and every later boundary of the run. */
  Fail,
}

export class Verdict {
  constructor(
    public decision: Decision,
    /** Why, for people. */
    public rationale: string,
    /** The whole new payload as JSON, with `Transform`. */
    public payload: string,
  ) {}
}

export function allow(rationale: string): Verdict {
  return new Verdict(Decision.Allow, rationale, "");
}

export function block(rationale: string): Verdict {
  return new Verdict(Decision.Block, rationale, "");
}

export function transform(payload: string, rationale: string): Verdict {
  return new Verdict(Decision.Transform, rationale, payload);
}

export function fail(why: string): Verdict {
  return new Verdict(Decision.Fail, why, "");
}

/** A text that the host has written; its memory is freed. */
export function taken(at: usize, units: u32): string {
  const text = String.UTF16.decodeUnsafe(at, (<usize>units) << 1);
  if (at != 0) heap.free(at);
  return text;
}

/** Room for what a hostcall answers: one byte that says whether it was refused, and a text at byte 4. */
const ANSWER: usize = memory.data(24, 8);

function refusal(): string {
  return load<u8>(ANSWER) == 0 ? "" : taken(load<usize>(ANSWER, 4), load<u32>(ANSWER, 8));
}

@external("pinion:hook/host@1.0.0", "emit-event")
declare function hostEmit(kind: usize, kindUnits: u32, data: usize, dataUnits: u32, answer: usize): void;
@external("pinion:hook/host@1.0.0", "read-capsule")
declare function hostRead(kind: usize, kindUnits: u32, answer: usize): void;
@external("pinion:hook/host@1.0.0", "write-capsule")
declare function hostWrite(kind: usize, kindUnits: u32, value: usize, valueUnits: u32, answer: usize): void;
@external("pinion:hook/host@1.0.0", "request-approval")
declare function hostApproval(request: usize, requestUnits: u32, answer: usize): void;
@external("pinion:hook/leases@1.0.0", "request")
declare function leasesRequest(capability: usize, capabilityUnits: u32, answer: usize): void;
@external("pinion:hook/host@1.0.0", "now")
declare function hostNow(): u64;

/** Reports something; `data` is JSON. */
export function emit(kind: string, data: string): string {
  hostEmit(changetype<usize>(kind), kind.length, changetype<usize>(data), data.length, ANSWER);
  return refusal();
}

/** The capsule of a kind as JSON; "" when there is none, or no such kind. */
export function readCapsule(kind: string): string {
  hostRead(changetype<usize>(kind), kind.length, ANSWER);
  if (load<u8>(ANSWER) != 0) {
    refusal();
    return "";
  }
  return load<u8>(ANSWER, 4) == 0 ? "" : taken(load<usize>(ANSWER, 8), load<u32>(ANSWER, 12));
}

/** Replaces the capsule of a kind; `value` is JSON. */
export function writeCapsule(kind: string, value: string): string {
  hostWrite(changetype<usize>(kind), kind.length, changetype<usize>(value), value.length, ANSWER);
  return refusal();
}

/** Demands that a person approves what this boundary is about; `request` is JSON. */
export function requestApproval(request: string): string {
  hostApproval(changetype<usize>(request), request.length, ANSWER);
  return refusal();
}

/** Asks for a lease for the agent, such as `capability://fs/workspace/docs/**?action=read&uses=5`. */
export function requestLease(capability: string): string {
  leasesRequest(changetype<usize>(capability), capability.length, ANSWER);
  return refusal();
}

/** The run's clock in ms since the epoch. */
export function now(): u64 {
  return hostNow();
}
