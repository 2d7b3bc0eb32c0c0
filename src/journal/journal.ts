import { canonicalJson, type Digest } from "../model/canonical.ts";
import type {
  CheckKind,
  Control,
  Entry,
  EntryKind,
  InputKind,
  InputSpec,
  Journal,
  Outcome,
  Receipt,
  Recorded,
} from "../model/entry.ts";
import { BugError, IntegrityError, UnfinishedError, WorldError } from "../model/errors.ts";
import { HostFault } from "../model/hook.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { Chain } from "./chain.ts";
import { isInputKind } from "./codec.ts";
import { controlInClear, controlRef, recordedControl, toFault } from "./content.ts";
import { bodyDifference, nothingRecorded, ReplayDivergence, SealedError, unlike } from "./divergence.ts";
import { type Asked, mustBeDistinct, settle, toAsked } from "./outcome.ts";
import type { Past } from "./past.ts";
import type { Present } from "./present.ts";
import type { Seal } from "./seal.ts";

/**
 * The journal of a run. While there is a past, everything is compared with it or answered from it; behind its end,
 * things are done and appended. A live run has no past, a replay has no present, a resumed run has both.
 *
 * INVARIANT: `perform` is called in one place, with a present and behind the end of the past.
 */
export class RunJournal implements Journal {
  readonly #chain: Chain;
  readonly #past: Past | undefined;
  readonly #present: Present | undefined;
  readonly #seal: Seal | undefined;
  readonly #controls: Asking[] = [];
  #beforePoll: (() => void) | undefined;
  #outstanding = false;
  /** How often the kernel looked for controls and faults since the last entry: places them between two entries. */
  #turn = 0;
  #sealed = 0;
  #adopted = 0;
  #closed: Promise<void> | undefined;

  constructor(parts: {
    readonly header: string;
    readonly past?: Past;
    readonly present?: Present;
    readonly seal?: Seal;
  }) {
    this.#chain = new Chain(parts.header);
    this.#past = parts.past;
    this.#present = parts.present;
    this.#seal = parts.seal;
    this.#beginWhenLive();
  }

  /** Entries up to here. */
  get count(): number {
    return this.#chain.count;
  }
  /** sha256 of the last line. */
  get head(): Digest {
    return this.#chain.head;
  }
  /** Whether the last entry is `check.end`. */
  get ended(): boolean {
    return this.#chain.ended;
  }
  /** Replay without the run key: inputs that stayed sealed, and boundaries that were taken as recorded. */
  get unopened(): { readonly sealed: number; readonly adopted: number } {
    return { sealed: this.#sealed, adopted: this.#adopted };
  }

  /** Whether what comes next is done, not looked up: there is a present, and the past is used up. */
  get live(): boolean {
    return this.#present !== undefined && this.#past?.next === undefined;
  }

  now(): number {
    return this.#chain.at;
  }

  ran(): number {
    return this.#chain.ran;
  }

  commitment(text: string): string {
    if (this.#seal === undefined) throw new SealedError("a commitment");
    return this.#seal.commitment(text);
  }

  check(kind: CheckKind, body: JsonObject): Receipt {
    this.#mustBeIdle(kind);
    return this.#check(kind, body).receipt;
  }

  async input<A extends Json>(spec: InputSpec<A>): Promise<Outcome<A>> {
    const [outcome] = await this.inputs([spec]);
    if (outcome === undefined) throw new BugError({ code: "no-outcome", message: "one input has no outcome" });
    return outcome;
  }

  async inputs<A extends Json>(specs: readonly InputSpec<A>[]): Promise<Outcome<A>[]> {
    this.#mustBeIdle("another input");
    const asked = specs.map(toAsked);
    mustBeDistinct(asked);
    this.#outstanding = true;
    try {
      const outcomes = new Map<Asked<A>, Outcome<A>>();
      const intents = asked.map(({ spec }) => this.#announce(spec));
      while (outcomes.size < asked.length && this.#past?.next !== undefined) this.#recall(asked, outcomes);
      const rest = asked.filter((one) => !outcomes.has(one));
      // Effects start when all intents are on disk: if one of them is new, none has started.
      const started = intents.every((intent) => intent !== "new");
      if (rest.length > 0) await this.#perform(rest, started, outcomes);
      return asked.flatMap((one) => outcomes.get(one) ?? []);
    } finally {
      this.#outstanding = false;
    }
  }

  poll(): Control | undefined {
    this.#mustBeIdle("a control");
    this.#turn += 1;
    const recorded = this.#past?.next?.entry;
    if (this.#past !== undefined && recorded !== undefined) {
      const isHere = recorded.kind === "input.control" && refOf(recorded.body).turn === this.#turn;
      if (!isHere) return undefined;
      if (this.#seal !== undefined) return recordedControl(this.#recalled(this.#past, recorded), recorded);
      this.#follow();
      this.#sealed += 1;
      return controlInClear(refOf(recorded.body));
    }
    if (this.#present !== undefined) this.#beforePoll?.();
    const asking = this.#present && this.#controls.shift();
    if (asking === undefined) return undefined;
    const { control, met } = asking;
    this.#noted("input.control", controlRef(control, this.#turn), { ...control });
    met(true);
    return control;
  }

  async faultable<T>(ref: JsonObject, wait: () => Promise<T>): Promise<T> {
    this.#turn += 1;
    const { count } = this.#chain;
    const asked = { ...ref, turn: this.#turn };
    const recorded = this.#past?.next?.entry;
    if (this.#past !== undefined && recorded?.kind === "input.fault") {
      const isHere = canonicalJson(refOf(recorded.body)) === canonicalJson(asked);
      if (isHere) throw toFault(this.#recalled(this.#past, recorded));
    }
    if (recorded === undefined && this.#present === undefined) throw nothingRecorded(this.#chain, "input.fault");
    try {
      return await wait();
    } catch (error) {
      if (!(error instanceof HostFault)) throw error;
      this.#mustBeIdle("a fault");
      if (this.#chain.count !== count) {
        throw new BugError({
          code: "entry-while-waiting",
          message: "an entry was appended while a fault could end the wait",
        });
      }
      if (recorded !== undefined && this.#present !== undefined) throw lostWhileReplaying(error);
      if (recorded !== undefined) {
        throw unlike(recorded, `\`${recorded.kind}\``, `the fault \`${error.fault}\` of this replay`);
      }
      const fault = { fault: error.fault, hook: error.hook ?? null, detail: error.message.toWellFormed() };
      this.#noted("input.fault", asked, fault);
      throw toFault(fault);
    }
  }

  untimed<T>(work: () => Promise<T>): Promise<T> {
    return this.#present === undefined ? work() : this.#present.untimed(work);
  }

  async durable(): Promise<void> {
    await this.#present?.flush();
  }

  /** Calls `look` whenever the kernel polls while the run lives: what it hands in is met at once. */
  onPoll(look: () => void): void {
    this.#beforePoll = look;
  }

  /** Hands in what a person asks for; the kernel meets it at its next `poll`. */
  push(control: Control): void {
    void this.ask(control);
  }

  /** The same; resolves with true once it has been appended, and with false when it will not be. */
  ask(control: Control): Promise<boolean> {
    return new Promise((met) => {
      if (this.#closed === undefined) this.#controls.push({ control, met });
      else met(false);
    });
  }

  /** Tells everybody whose control was not met that it will not be. */
  dismiss(): void {
    for (const { met } of this.#controls.splice(0)) met(false);
  }

  sealedAhead(): boolean {
    const kind = this.#past?.next?.entry.kind;
    return this.#seal === undefined && kind !== undefined && (isInputKind(kind) || kind === "check.intent");
  }

  adopt():
    | (Recorded & {
        readonly passed: readonly EntryKind[];
        readonly permissions: readonly Recorded[];
        readonly distrusts: boolean;
      })
    | undefined {
    const passed: EntryKind[] = [];
    const permissions: Recorded[] = [];
    let distrusts = false;
    for (let recorded = this.#past?.next; recorded !== undefined; recorded = this.#past?.next) {
      const { kind, body, seq } = recorded.entry;
      this.#follow();
      if (isInputKind(kind)) this.#sealed += 1;
      if (kind === "check.permission") permissions.push({ kind, body, seq });
      if (kind === "input.control" && refOf(body).control === "distrust") distrusts = true;
      if (kind !== "check.boundary") {
        passed.push(kind);
        continue;
      }
      this.#adopted += 1;
      return { kind, body, seq, passed, permissions, distrusts };
    }
    return undefined;
  }

  /** Passes what comes next in the recording for as long as it is of this kind: a replay that does not compute it takes it as recorded. */
  pass(kind: CheckKind): readonly JsonObject[] {
    const next = this.#past?.next?.entry;
    if (next?.kind !== kind) return [];
    this.#follow();
    return [next.body, ...this.pass(kind)];
  }

  /** Throws `ReplayDivergence` when the recording goes on where the run ended. */
  finish(): void {
    const more = this.#past?.next?.entry;
    if (more === undefined) return;
    throw unlike(more, `\`${more.kind}\``, "the end of the run");
  }

  /** Makes everything durable and lets go of files and lock, also when that fails. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed === undefined) this.#past?.close();
    this.#closed ??= this.#present?.close() ?? Promise.resolve();
    this.dismiss();
    await this.#closed;
  }

  #mustBeIdle(what: string): void {
    if (!this.#outstanding) return;
    throw new BugError({
      code: "effect-outstanding",
      message: `\`${what}\` came while an input was outstanding: its place would be up to the world`,
    });
  }

  #announce<A extends Json>({ kind, ref, effect }: InputSpec<A>): "new" | "recorded" | "none" {
    if (effect === undefined) return "none";
    const { recorded } = this.#check("check.intent", { ...effect.clear, kind, ref, receipt: effect.receipt });
    return recorded ? "recorded" : "new";
  }

  #check(kind: CheckKind, body: JsonObject): { readonly receipt: Receipt; readonly recorded: boolean } {
    const text = canonicalJson(body);
    const recorded = this.#past?.next;
    if (recorded === undefined) return { receipt: this.#append(kind, text), recorded: false };
    const { entry, line } = this.#chain.next(kind, text);
    if (line !== recorded.line) {
      throw new ReplayDivergence(bodyDifference(entry.seq, recorded.entry, { kind, body: JSON.parse(text) }));
    }
    return { receipt: this.#follow(), recorded: true };
  }

  /** Answers one of those that wait from the next recorded entry. */
  #recall<A extends Json>(asked: readonly Asked<A>[], outcomes: Map<Asked<A>, Outcome<A>>): void {
    const recorded = this.#past?.next?.entry;
    const waiting = asked.filter((one) => !outcomes.has(one));
    const [first] = waiting;
    if (this.#past === undefined || recorded === undefined || first === undefined) return;
    const { kind } = recorded;
    const ref = isInputKind(kind) ? canonicalJson(refOf(recorded.body)) : "";
    const match = waiting.find((one) => one.spec.kind === kind && one.ref === ref);
    if (match === undefined) {
      throw unlike(recorded, `\`${kind}\` ${ref}`, `\`${first.spec.kind}\` ${first.ref}`);
    }
    const content = this.#past.open(recorded);
    const request = canonicalJson(content.request);
    if (request !== match.request) {
      // Requests are sealed: the error says that they differ, not what they say.
      const [expected, found] = [this.commitment(request), this.commitment(match.request)];
      throw unlike(recorded, `a request \`${expected}\``, `\`${found}\``);
    }
    const { outcome } = content;
    if (outcome.kind === "ok" && match.spec.fits?.(outcome.value) === false) throw unfit(recorded);
    this.#follow();
    outcomes.set(match, outcome as Outcome<A>);
  }

  /** `started`: the intents were on disk when the run was interrupted, so their effects may have happened. */
  async #perform<A extends Json>(
    rest: readonly Asked<A>[],
    started: boolean,
    outcomes: Map<Asked<A>, Outcome<A>>,
  ): Promise<void> {
    const present = this.#present;
    if (present === undefined) throw nothingRecorded(this.#chain, rest[0]?.spec.kind ?? "input.tool");
    await present.ready(rest.some(({ spec }) => spec.effect !== undefined));
    const performed = rest.map(async (asked) => {
      const { effect } = asked.spec;
      // What may have happened and is not to be done again stays unknown; so does everything in a run that is being stopped.
      const unknown = started && effect !== undefined && (!effect.idempotent || present.cancel.aborted);
      const outcome = unknown ? '{"kind":"unknown"}' : await settle(asked, present.cancel);
      this.#turn = 0;
      present.input(this.#chain, { kind: asked.spec.kind, ref: asked.ref, outcome, request: asked.request });
      outcomes.set(asked, JSON.parse(outcome));
    });
    for (const result of await Promise.allSettled(performed)) {
      if (result.status === "fulfilled") continue;
      // The intent stays without an outcome, beside what others came to: nothing may come behind it but a resume.
      if (result.reason instanceof UnfinishedError) {
        await present.flush();
        present.end(result.reason);
      }
      throw result.reason;
    }
  }

  /** Appends what came of itself: nobody asked for it. */
  #noted(kind: InputKind, ref: JsonObject, value: Json): void {
    if (this.#present === undefined) throw nothingRecorded(this.#chain, kind);
    this.#turn = 0;
    const outcome = canonicalJson({ kind: "ok", value });
    this.#present.input(this.#chain, { kind, ref: canonicalJson(ref), outcome, request: "null" });
  }

  #append(kind: CheckKind, body: string): Receipt {
    if (this.#present === undefined) throw nothingRecorded(this.#chain, kind);
    this.#turn = 0;
    return this.#present.check(this.#chain, kind, body);
  }

  /** Takes the recorded entry as what happened. */
  #follow(): Receipt {
    const recorded = this.#past?.next;
    if (recorded === undefined) throw new BugError({ code: "no-past", message: "no recorded entry is left to follow" });
    this.#turn = 0;
    this.#past?.take();
    const receipt = this.#chain.add(recorded.entry, recorded.digest);
    this.#beginWhenLive();
    return receipt;
  }

  #beginWhenLive(): void {
    if (this.live) this.#present?.begin(this.#chain.ran);
  }

  /** The value of the next recorded input, which is then passed. */
  #recalled(past: Past, entry: Entry): Json {
    const { request, outcome } = past.open(entry);
    // Nothing was asked of the world.
    if (request !== null) throw unfit(entry);
    this.#follow();
    return outcome.kind === "ok" ? outcome.value : null;
  }
}

interface Asking {
  readonly control: Control;
  readonly met: (met: boolean) => void;
}

function unfit({ seq, kind }: Entry): IntegrityError {
  const message = `the value of seq ${seq} \`${kind}\` is not one that this version writes`;
  return new IntegrityError({ code: "bad-content", message });
}

/** What a resume meets while it replays its past says nothing about the past, and nothing was written yet. */
function lostWhileReplaying({ fault, message }: HostFault): WorldError {
  return new WorldError({
    code: "replay-interrupted",
    message: `a hook host was lost while the recorded part of the run was replayed (${fault}): ${message}`,
    hint: "resume the run again; its journal is as it was",
  });
}

function refOf(body: JsonObject): JsonObject {
  return isJsonObject(body.ref) ? body.ref : {};
}
