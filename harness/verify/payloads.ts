import {
  actionDigest,
  type Bodies,
  type Content,
  canonicalJson,
  isJsonObject,
  type Json,
  type Outcome,
  type Payloads,
  PinionError,
  type RecordedEntry,
} from "../../src/index.ts";
import { type CheckResult, type EntryCheck, Findings } from "./check.ts";
import { type BoundarySeen, boundaryOf, type IntentSeen, member, refOf, same } from "./read.ts";
import type { Effect } from "./receipts.ts";

/**
 * Invariant 5: whether what the gates saw is what was done. In clear: the call behind an effect is the one that came out of the
 * model's turn, and the one whose result is told. With the run's key: what was asked of the tool, and what was resolved.
 */
export class PayloadCheck implements EntryCheck {
  readonly #found = new Findings("payloads");
  readonly #bodies: Bodies | undefined;
  readonly #actions: boolean;
  /** What the world resolved last, by call. */
  readonly #resolved = new Map<string, Content>();
  /** What the world answered to a call, until its result is told. */
  readonly #outcomes = new Map<string, Outcome>();
  /** What the model answered last. */
  #answer: Json | undefined;
  /** What let a call through, until its result is told. */
  readonly #calls = new Map<string, BoundarySeen>();
  /** Calls of the model's turn that are not gated yet. */
  #asked: readonly Json[] = [];
  #compared = 0;
  #opened = 0;

  /** `actions`: whether the kernel that wrote it names actions; it does from version 4 on. */
  constructor({ bodies, actions }: { readonly bodies: Bodies | undefined; readonly actions: boolean }) {
    this.#bodies = bodies;
    this.#actions = actions;
  }

  see(recorded: RecordedEntry): void {
    const { kind, body } = recorded.entry;
    if (kind === "input.resolve") {
      const content = this.#open(recorded);
      if (content !== undefined) this.#resolved.set(String(refOf(body).call), content);
    }
    if (kind !== "check.boundary") return;
    const boundary = boundaryOf(recorded);
    if (boundary === undefined) return;
    this.#unchanged(boundary);
    this.#named(boundary);
    if (boundary.phase === "post-receive") {
      this.#heard(boundary);
      const calls = boundary.payload?.toolCalls;
      this.#asked = Array.isArray(calls) ? calls : [];
      this.#calls.clear();
      this.#resolved.clear();
      this.#outcomes.clear();
    }
    if (boundary.phase === "pre-tool") this.#gated(boundary);
    if (boundary.phase === "post-tool") this.#told(boundary);
  }

  /** Called for every effect whose receipt stands. */
  effect({ recorded, intent, boundary, call }: Effect): void {
    const { seq, kind } = recorded.entry;
    this.#announced(intent, boundary);
    const content = this.#open(recorded);
    if (call !== undefined) this.#calls.set(String(intent.ref.call), call);
    if (content === undefined) return;
    const { request, outcome } = content;
    if (kind === "input.model") this.#answer = outcome.kind === "ok" ? outcome.value : undefined;
    if (kind === "input.tool") this.#outcomes.set(String(intent.ref.call), outcome);
    if (kind === "input.model" && !same(member(request, "receipt"), intent.body.receipt)) {
      this.#found.fail("the model was asked under another receipt than its intent names", seq);
    }
    if (kind === "input.file" && member(request, "operation") !== intent.ref.operation) {
      this.#found.fail("another operation was performed than its intent names", seq);
    }
    if (kind !== "input.tool" || intent.ref.again !== undefined) return;
    const expected = requested(boundary, call);
    for (const part of ["tool", "arguments", "resolution"] as const) {
      if (!same(member(request, part), expected[part])) {
        this.#found.fail(`the \`${part}\` of what was done is not what seq ${call?.seq} let through`, seq);
      }
    }
  }

  end(): CheckResult {
    const sealed = this.#bodies === undefined;
    if (sealed) this.#found.note("sealed requests and resolutions were not compared: the run's key is not here");
    const opened = sealed ? "" : `, ${this.#opened} sealed bodies`;
    return this.#found.result(`${this.#compared} payloads${opened} compared`);
  }

  /** What the intent says is to be done is what its boundary let through. */
  #announced({ seq, kind, body }: IntentSeen, boundary: BoundarySeen | undefined): void {
    if (!this.#actions || boundary === undefined) return;
    const [announced, allowed] =
      kind === "input.model" ? [body.digest, boundary.payloadDigest] : [body.action, boundary.action];
    this.#compared += 1;
    if (typeof announced === "string" && announced === allowed) return;
    this.#found.fail(`what it announces is not what seq ${boundary.seq} let through`, seq);
  }

  /** The name of an action is the digest of what stands there in clear. */
  #named({ seq, phase, decision, payload, action }: BoundarySeen): void {
    if (!this.#actions || decision === "block" || (phase !== "pre-tool" && phase !== "spawn")) return;
    this.#compared += 1;
    if (payload !== undefined && actionDigest(phase, payload as unknown as Payloads[typeof phase]) === action) return;
    this.#found.fail("the action that it names is not the one that it let through", seq);
  }

  /** Without a transformer's verdict the payload that was let through is the one that came in. */
  #unchanged({ seq, phase, decision, verdicts, payload, input }: BoundarySeen): void {
    if (this.#bodies === undefined || decision === "block" || phase === "pre-send" || payload === undefined) return;
    if (transforms(verdicts)) return;
    this.#compared += 1;
    if (this.#bodies.commitment(canonicalJson(payload)) === input) return;
    this.#found.fail("what it let through is not what came in, and no transformer says that it changed it", seq);
  }

  #gated({ seq, level, decision, verdicts, payload }: BoundarySeen): void {
    if (decision === "block" || !isJsonObject(payload?.call)) return;
    const { call, resolution } = payload;
    this.#compared += 1;
    const transformed = transforms(verdicts);
    if (level === 0) {
      const asked = this.#asked.find((one) => member(one, "id") === call.id);
      if (asked === undefined || member(asked, "tool") !== call.tool) {
        this.#found.fail(`the model's turn has no call \`${String(call.id)}\` of tool \`${String(call.tool)}\``, seq);
      } else if (!transformed && !same(member(asked, "arguments"), call.arguments)) {
        this.#found.fail("its arguments are not those of the model's turn, and no transformer says so", seq);
      }
    }
    const origin = String(call.origin);
    if ((level === 0) !== (origin === "model")) {
      this.#found.fail(`a call of \`${origin}\` does not stand on level ${level}`, seq);
    }
    const resolved = this.#resolved.get(String(call.id));
    if (this.#bodies === undefined) return;
    if (resolved === undefined) {
      this.#found.fail("nothing was resolved before it", seq);
      return;
    }
    if (!same(resolved.request, { tool: call.tool ?? null, arguments: call.arguments ?? null })) {
      this.#found.fail("what was resolved before it is another call", seq);
    }
    const { outcome } = resolved;
    if (outcome.kind === "ok" && !same(outcome.value, resolution)) {
      this.#found.fail("its resolution is not what the world resolved", seq);
    }
  }

  /** What the model said is what the gates behind it saw. Ids of calls are the kernel's where the model's are no names. */
  #heard({ seq, decision, verdicts, payload }: BoundarySeen): void {
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer === undefined || decision === "block" || payload === undefined || transforms(verdicts)) return;
    this.#compared += 1;
    const nameless = (calls: Json | undefined) =>
      listOf(calls).map((call) => (isJsonObject(call) ? { ...call, id: "" } : call));
    const parts = ["text", "finish", "tokens"].filter((part) => !same(member(answer, part), payload[part]));
    if (!same(nameless(member(answer, "toolCalls")), nameless(payload.toolCalls))) parts.push("toolCalls");
    if (parts.length > 0) this.#found.fail(`its \`${parts.join("`, `")}\` are not what the model answered`, seq);
  }

  /** The call whose result is told is the call that was gated. */
  #told({ seq, payload, decision, verdicts }: BoundarySeen): void {
    if (decision === "block" || !isJsonObject(payload?.call)) return;
    const { call } = payload;
    const gate = this.#calls.get(String(call.id));
    const outcome = this.#outcomes.get(String(call.id));
    const result = payload.result;
    // What a lease withholds is told as an error instead.
    const withheld = member(result, "code") === "lease-bytes";
    if (outcome !== undefined && !withheld && !transforms(verdicts) && !same(result, toldOf(outcome, result))) {
      this.#found.fail("the result that it tells is not what the world answered", seq);
    }
    this.#compared += 1;
    if (gate === undefined) this.#found.fail("it tells the result of a call that was not made", seq);
    else if (!sameCall(call, gate))
      this.#found.fail(`it tells the result of another call than seq ${gate.seq} let through`, seq);
  }

  #open({ entry }: RecordedEntry): Content | undefined {
    if (this.#bodies === undefined) return undefined;
    try {
      const content = this.#bodies.open(entry);
      this.#opened += 1;
      return content;
    } catch (error) {
      if (!(error instanceof PinionError)) throw error;
      this.#found.fail(`its sealed body cannot be believed: ${error.message}`, entry.seq);
      return undefined;
    }
  }
}

function transforms(verdicts: BoundarySeen["verdicts"]): boolean {
  return verdicts.some((verdict) => verdict.decision === "transform");
}

function listOf(json: Json | undefined): readonly Json[] {
  return Array.isArray(json) ? json : [];
}

/** An outcome as the agent is told of it. */
function toldOf(outcome: Outcome, told: Json | undefined): Json {
  if (outcome.kind === "ok") return { ok: true, value: outcome.value };
  if (outcome.kind === "error") return { ok: false, code: outcome.code, message: outcome.message };
  return { ok: false, code: "outcome-unknown", message: member(told, "message") ?? null };
}

/** What was let through, as the tool is asked for it. The goal of a child is what its own phase let through. */
function requested(
  boundary: BoundarySeen | undefined,
  gate: BoundarySeen | undefined,
): { readonly tool: Json; readonly arguments: Json; readonly resolution: Json } {
  const call = gate?.payload?.call;
  const given = member(call, "arguments") ?? null;
  const goal = boundary?.phase === "spawn" ? boundary.payload?.goal : undefined;
  return {
    tool: member(call, "tool") ?? null,
    arguments: goal === undefined || !isJsonObject(given) ? given : { ...given, goal },
    resolution: gate?.payload?.resolution ?? null,
  };
}

/** A spawn may have changed the goal. */
function sameCall(call: Json, { payload }: BoundarySeen): boolean {
  const gated = payload?.call;
  if (same(call, gated)) return true;
  if (!isJsonObject(call) || !isJsonObject(gated) || call.tool !== "agent.spawn") return false;
  const goal = member(call.arguments, "goal") ?? null;
  return same(call, { ...gated, arguments: { ...(isJsonObject(gated.arguments) ? gated.arguments : {}), goal } });
}
