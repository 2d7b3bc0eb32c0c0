import { BugError } from "../model/errors.ts";
import { type HookBatch, type HookEvent, type HookSession, HostFault } from "../model/hook.ts";
import { asEvent } from "./check.ts";
import { Deadline } from "./deadline.ts";
import type { AnswerMessage, Frame } from "./host/wire.ts";
import type { ConfinedProcess } from "./process.ts";

/** How long a hook may take, in ms of the wall clock. */
export interface TimeLimits {
  readonly deadlineMs: number;
  readonly hostcallMs: number;
}

export interface SessionParts {
  readonly process: ConfinedProcess;
  /** Of this batch within its host. */
  readonly number: number;
  readonly limitsOf: (hook: string) => TimeLimits;
  /** ms from any beginning, never going back. */
  readonly clock: () => number;
  /** Called once, when nothing more will come of this batch. */
  readonly onOver: () => void;
}

/**
 * One batch in flight. The hooks answer in their order, each within its own deadline, which starts when its turn does and
 * goes on while a hostcall is served; `hostcallMs` bounds that waiting by itself.
 */
export class Session implements HookSession {
  readonly #parts: SessionParts;
  readonly #hooks: readonly string[];
  readonly #deadline = new Deadline();
  readonly #hostcall = new Deadline();
  readonly #events: HookEvent[] = [];
  #turn = 0;
  /** The deadline that was set for the current hook, in ms. */
  #allowedMs = 0;
  /** When the hostcall was made that waits for its answer. */
  #asked: number | undefined;
  /** ms that the current hook has waited for answers. */
  #waited = 0;
  #fault: HostFault | undefined;
  #wake: (() => void) | undefined;

  constructor(parts: SessionParts, batch: HookBatch) {
    this.#parts = parts;
    this.#hooks = [...batch.hooks, ...(batch.audit?.hooks ?? [])];
    const { process, number } = parts;
    if (batch.hooks.length > 0) process.send({ kind: "batch", batch: number, ...batch });
  }

  /** What the process says from now on is about this batch, and time counts. */
  take(): void {
    if (this.over) {
      this.#parts.onOver();
      return;
    }
    this.#parts.process.listen({ frame: (frame) => this.#receive(frame), end: (fault) => this.#end(fault) });
    this.#watch();
  }

  get over(): boolean {
    return this.#fault !== undefined || this.#turn >= this.#hooks.length;
  }

  async next(): Promise<HookEvent | undefined> {
    for (;;) {
      const event = this.#events.shift();
      if (event) return event;
      if (this.#fault) throw this.#fault;
      if (this.over) return undefined;
      if (this.#wake) throw new BugError({ code: "session-awaited-twice", message: "two callers wait for one batch" });
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  answer(answer: { readonly ok: unknown } | { readonly error: string }): void {
    if (this.#fault) return;
    if (this.#asked === undefined)
      throw new BugError({ code: "answer-unasked", message: "an answer to a hostcall that was not made" });
    this.#hostcall.stop();
    this.#waited += this.#parts.clock() - this.#asked;
    this.#asked = undefined;
    this.#watchAnew();
    this.#parts.process.send({ kind: "answer", ...answer } as AnswerMessage);
  }

  #receive(frame: Frame): void {
    const event = asEvent(frame.head, this.#parts.number);
    if (event === undefined || event.hook !== this.#hooks[this.#turn] || this.#asked !== undefined) {
      throw new Error("what is no event of the current hook");
    }
    this.#events.push(event);
    if (event.kind === "hostcall") this.#wait(event.hook);
    else this.#advance(event);
    this.#signal();
  }

  #advance(event: HookEvent & { readonly kind: "result" }): void {
    const { outcome } = event;
    const last = outcome.kind === "failed" || outcome.decision === "transform";
    this.#turn = last ? this.#hooks.length : this.#turn + 1;
    if (this.over) {
      this.#deadline.stop();
      this.#parts.process.listen(undefined);
      this.#parts.onOver();
    } else this.#watch();
  }

  #watch(): void {
    const hook = this.#hooks[this.#turn];
    if (hook === undefined || this.#fault) return;
    const { limitsOf, clock } = this.#parts;
    const { deadlineMs } = limitsOf(hook);
    const begun = clock();
    this.#waited = 0;
    this.#allowedMs = deadlineMs;
    this.#deadline.start(deadlineMs, () => this.#exceed(hook, "deadlineMs", deadlineMs, clock() - begun));
  }

  /** What was replayed did not count; from the first answer that is not, the hook has all of its time. */
  #watchAnew(): void {
    const hook = this.#hooks[this.#turn];
    if (hook === undefined || this.#parts.limitsOf(hook).deadlineMs === this.#allowedMs) return;
    this.#watch();
  }

  #wait(hook: string): void {
    const { limitsOf, clock } = this.#parts;
    const { hostcallMs } = limitsOf(hook);
    const asked = clock();
    const waited = this.#waited;
    this.#asked = asked;
    this.#hostcall.start(hostcallMs - waited, () =>
      this.#exceed(hook, "hostcallMs", hostcallMs, waited + clock() - asked),
    );
  }

  #exceed(hook: string, limit: keyof TimeLimits, allowed: number, used: number): void {
    const detail = `\`${limit}\`: allowed ${allowed} ms, used ${Math.ceil(used)} ms`;
    this.#parts.process.fail(new HostFault("deadline", hook, detail));
  }

  #end(fault: HostFault): void {
    this.#deadline.stop();
    this.#hostcall.stop();
    this.#fault = new HostFault(fault.fault, fault.hook ?? this.#hooks[this.#turn], fault.message);
    this.#parts.onOver();
    this.#signal();
  }

  #signal(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
