import { bodyDifference, RecordingEnds, ReplayDivergence, SealedError } from "../journal/divergence.ts";
import type { RunJournal } from "../journal/journal.ts";
import type { BoundaryQuestion, Boundary as KernelBoundary } from "../kernel/boundary.ts";
import { type Leases, NO_LEASES } from "../kernel/leases.ts";
import { narrowPermission } from "../kernel/permission.ts";
import type { Gates, Run, Start } from "../kernel/run.ts";
import { canonicalJson, type Digest, digestOf, isDigest } from "../model/canonical.ts";
import type { CheckKind, Control, InputKind, InputSpec, Journal, Outcome, Receipt, Recorded } from "../model/entry.ts";
import { BugError } from "../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import type { ModelAnswer } from "../model/message.ts";
import type { Payloads, Usage } from "../model/payload.ts";
import type { Phase } from "../model/phase.ts";
import { declaredLayers } from "./policy/permission.ts";

type Adopted = { readonly body: JsonObject; readonly seq: number; readonly distrusts: boolean; controlled: boolean };

const START: Start = { goal: "", workspace: "", file: null, seed: "", capsules: {} };
const ANSWER: ModelAnswer = { text: "", toolCalls: [], tokens: { input: 0, output: 0 }, finish: "stop" };

/** What stands for an input that cannot be opened; nothing of it survives the boundary behind it. */
const STAND_INS: Readonly<Partial<Record<InputKind, Json>>> = {
  "input.start": START,
  "input.model": ANSWER,
  "input.resolve": {},
};

/**
 * A replay whose run key was destroyed. What the world answered is gone, but what the hooks let through of it stands in
 * clear, so the kernel goes on from there: states, budgets, refusals and the conversation are computed again and compared,
 * boundaries are taken as recorded, and hooks are not asked, since what they saw is sealed.
 */
export class SealedReplay implements Journal, Gates {
  readonly #journal: RunJournal;
  #ahead: Adopted | undefined;
  readonly #declared: Recorded[] = [];
  /** By call: why no lease served it any more when it was to be made. */
  readonly #refused = new Map<string, string>();
  #begun = false;
  run: Run | undefined;

  constructor(journal: RunJournal) {
    this.#journal = journal;
  }

  now(): number {
    return this.#journal.now();
  }
  ran(): number {
    return this.#journal.ran();
  }
  check(kind: CheckKind, body: JsonObject): Receipt {
    this.#passLeases();
    return kind === "check.permission" ? this.#declare(body) : this.#journal.check(kind, body);
  }
  durable(): Promise<void> {
    return this.#journal.durable();
  }
  commitment(): string {
    throw new BugError({ code: "sealed-commitment", message: "a replay without the run key asked for a commitment" });
  }
  untimed<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }
  faultable<T>(): Promise<T> {
    throw new BugError({ code: "sealed-wait", message: "a replay without the run key waited for a hook" });
  }

  async input<A extends Json>(spec: InputSpec<A>): Promise<Outcome<A>> {
    const [outcome] = await this.inputs([spec]);
    return outcome ?? { kind: "unknown" };
  }

  async inputs<A extends Json>(specs: readonly InputSpec<A>[]): Promise<Outcome<A>[]> {
    if (specs.length === 0) return [];
    const next = this.#look();
    return specs.map(({ kind, ref }): Outcome<A> => {
      if (kind === "input.tool" && isUnknown(next)) return { kind: "unknown" };
      // The run stopped where its child did: it was told that the child paused.
      const rests = ref.tool === "agent.spawn" && next?.body.phase === "state-transition";
      if (rests) return { kind: "ok", value: { run: "", state: "paused", answer: "" } as Json as A };
      // The run stopped right behind the model's answer: there was none.
      const failed = kind === "input.model" && next?.body.phase !== "post-receive" && !pausesHere(next);
      if (failed) return { kind: "error", code: "sealed", message: "what happened is sealed" };
      return { kind: "ok", value: (STAND_INS[kind] ?? null) as A };
    });
  }

  poll(): Control | undefined {
    if (this.#ahead !== undefined) {
      const { controlled } = this.#ahead;
      this.#ahead.controlled = false;
      return controlled ? controlOf(this.#ahead) : undefined;
    }
    this.#passLeases();
    try {
      return this.#journal.poll();
    } catch (error) {
      if (!(error instanceof SealedError)) throw error;
      const next = this.#look();
      if (next !== undefined) next.controlled = false;
      return controlOf(next);
    }
  }

  async dispatch<P extends Exclude<Phase, "audit">>(question: BoundaryQuestion<P>): Promise<KernelBoundary<P>> {
    const adopted = this.#look();
    this.#ahead = undefined;
    const { phase } = question;
    if (adopted === undefined) throw new RecordingEnds(this.#journal.count, "check.boundary");
    if (adopted.body.phase !== phase) {
      const [expected, found] = [`a boundary \`${String(adopted.body.phase)}\``, `\`${phase}\``];
      throw new ReplayDivergence({ seq: adopted.seq, kind: "check.boundary", expected, found });
    }
    const { body, seq } = adopted;
    // It came while a hook was at work: the run stops behind this boundary.
    if (adopted.distrusts && phase !== "state-transition" && this.run !== undefined) this.run.pauseWhy ??= "distrust";
    const decision = body.decision === "allow" ? "allow" : "block";
    const action = isDigest(body.action) ? body.action : undefined;
    const isPending = body.pending === true && action !== undefined;
    const payload = isPending
      ? (body.payload as unknown as Payloads[P])
      : decision === "allow"
        ? this.#payload(question, adopted)
        : question.payload;
    this.#count(payload);
    return {
      decision,
      payload,
      reason: String(body.reason),
      receipt: { seq, entry: this.#journal.head },
      action: decision === "allow" ? action : undefined,
      pending: isPending ? { action, subject: String(body.subject), demands: listOf(body.demands) } : undefined,
      met: typeof body.approval === "string" ? { approval: body.approval } : undefined,
      unaudited: String(body.reason).startsWith("the audit did not complete"),
      events: listOf(body.events),
      capsules: listOf(body.capsules),
    };
  }

  /** Why a call that its boundary had allowed was refused: a lease of it had ended. */
  refusedLease(call: string): string | undefined {
    this.#passLeases();
    const why = this.#refused.get(call);
    this.#refused.delete(call);
    return why;
  }

  #passLeases(): void {
    for (const { event, allowed, call, reason } of this.#journal.pass("check.lease")) {
      if (event === "refused" && allowed === true) this.#refused.set(String(call), String(reason));
    }
  }

  /** It was passed already where what stands around it is sealed. */
  #declare(body: JsonObject): Receipt {
    const recorded = this.#declared.shift();
    if (recorded === undefined) return this.#journal.check("check.permission", body);
    const { seq, kind } = recorded;
    if (canonicalJson(recorded.body) !== canonicalJson(body)) {
      throw new ReplayDivergence(bodyDifference(seq, recorded, { kind, body }));
    }
    return { seq, entry: this.#journal.head };
  }

  /** The first is the run's own; for every further one somebody has narrowed it. */
  #pass(permissions: readonly Recorded[]): void {
    for (const recorded of permissions) {
      this.#declared.push(recorded);
      if (this.#begun && this.run !== undefined) {
        narrowPermission(this.run, declaredLayers(recorded.body) as unknown as readonly JsonObject[]);
      }
      this.#begun = true;
    }
  }

  /** The next boundary of the agent's own; calls of hooks on the way are passed over. */
  #look(): Adopted | undefined {
    let controlled = false;
    let distrusts = false;
    while (this.#ahead === undefined) {
      const next = this.#journal.adopt();
      if (next === undefined) return undefined;
      this.#pass(next.permissions);
      controlled ||= next.passed.includes("input.control");
      distrusts ||= next.distrusts;
      if (next.body.level === 0) this.#ahead = { body: next.body, seq: next.seq, controlled, distrusts };
    }
    return this.#ahead;
  }

  /** In clear as recorded; what is sent to the model is not written out, so it is computed again and its digest compared. */
  #payload<P extends Phase>(question: BoundaryQuestion<P>, { body, seq }: Adopted): Payloads[P] {
    if (question.phase !== "pre-send") return body.payload as unknown as Payloads[P];
    const changed = listOf(body.verdicts).some((verdict) => isJsonObject(verdict) && verdict.decision === "transform");
    const digest: Digest = digestOf(canonicalJson(question.payload));
    if (!changed && digest !== body.digest) {
      throw new ReplayDivergence({
        seq,
        kind: "check.boundary",
        phase: "pre-send",
        pointer: "/digest",
        expected: `\`${String(body.digest)}\``,
        found: `\`${digest}\``,
      });
    }
    return question.payload;
  }

  /** What the provider counted is sealed with its answer; the payloads say what it came to. */
  #count(payload: unknown): void {
    if (!isJsonObject(payload) || this.run === undefined) return;
    const usage = payload.usage as Usage | undefined;
    if (usage === undefined) return;
    this.run.counters.inputTokens = usage.inputTokens;
    this.run.counters.outputTokens = usage.outputTokens;
    this.run.counters.spawned = usage.spawned;
    this.run.counters.toolCalls = usage.toolCalls;
  }
}

/** Somebody asked for a pause meanwhile: what came before it goes on behind it. */
function pausesHere(next: Adopted | undefined): boolean {
  return next?.controlled === true && controlOf(next)?.kind === "pause";
}

/** The run crashed during the call, and was resumed: its outcome is not sealed but lost. */
function isUnknown(next: Adopted | undefined): boolean {
  const { payload } = next?.body ?? {};
  const result = isJsonObject(payload) ? payload.result : undefined;
  return isJsonObject(result) && result.code === "outcome-unknown";
}

/** What a person asked for, as far as the state that followed tells. */
function controlOf(next: Adopted | undefined): Control | undefined {
  const payload = next?.body.phase === "state-transition" && isJsonObject(next.body.payload) ? next.body.payload : {};
  if (payload.to === "terminated") return { kind: "cancel", by: "a person" };
  if (payload.to === "paused") return { kind: "pause", by: "a person" };
  return payload.to === "running" ? { kind: "resume", by: "a person" } : undefined;
}

/** What leases did is taken as recorded. */
export function recordedLeases(sealed: SealedReplay): Leases {
  return {
    ...NO_LEASES,
    take: (call) => {
      const refused = sealed.refusedLease(call.id);
      return refused === undefined ? NO_LEASES.take(call) : { refused };
    },
    ended: ({ call }) => sealed.refusedLease(call),
  };
}

function listOf<T>(value: Json | undefined): readonly T[] {
  return (Array.isArray(value) ? value : []) as readonly T[];
}
