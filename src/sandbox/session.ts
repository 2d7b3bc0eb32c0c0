import { BugError } from "../model/errors.ts";
import { type HookBatch, type HookEvent, type HookSession, HostFault } from "../model/hook.ts";
import { asEvent } from "./check.ts";
import { Deadline } from "./deadline.ts";
import type { AnswerMessage, Frame } from "./host/wire.ts";
import type { ConfinedProcess } from "./process.ts";

/**
 * One batch in flight. The hooks answer in their order, each within its own deadline, which starts when its turn does and
 * goes on while a hostcall is served.
 */
export class Session implements HookSession {
  readonly #process: ConfinedProcess;
  readonly #number: number;
  readonly #hooks: readonly string[];
  readonly #deadlineOf: (hook: string) => number;
  readonly #deadline = new Deadline();
  readonly #events: HookEvent[] = [];
  #turn = 0;
  #asked = false;
  #fault: HostFault | undefined;
  #wake: (() => void) | undefined;

  constructor(process: ConfinedProcess, number: number, batch: HookBatch, deadlineOf: (hook: string) => number) {
    this.#process = process;
    this.#number = number;
    this.#hooks = [...batch.hooks, ...(batch.audit?.hooks ?? [])];
    this.#deadlineOf = deadlineOf;
    if (batch.hooks.length === 0) return;
    process.listen({ frame: (frame) => this.#receive(frame), end: (fault) => this.#end(fault) });
    process.send({ kind: "batch", batch: number, ...batch });
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
    if (!this.#asked)
      throw new BugError({ code: "answer-unasked", message: "an answer to a hostcall that was not made" });
    this.#asked = false;
    this.#process.send({ kind: "answer", ...answer } as AnswerMessage);
  }

  #receive(frame: Frame): void {
    const event = asEvent(frame.head, this.#number);
    if (event === undefined || event.hook !== this.#hooks[this.#turn] || this.#asked) {
      throw new Error("what is no event of the current hook");
    }
    this.#events.push(event);
    if (event.kind === "hostcall") this.#asked = true;
    else this.#advance(event);
    this.#signal();
  }

  #advance(event: HookEvent & { readonly kind: "result" }): void {
    const { outcome } = event;
    const last = outcome.kind === "failed" || outcome.decision === "transform";
    this.#turn = last ? this.#hooks.length : this.#turn + 1;
    if (this.over) {
      this.#deadline.stop();
      this.#process.listen(undefined);
    } else this.#watch();
  }

  #watch(): void {
    const hook = this.#hooks[this.#turn];
    if (hook === undefined || this.#fault) return;
    const ms = this.#deadlineOf(hook);
    this.#deadline.start(ms, () => this.#process.fail(new HostFault("deadline", hook, `no answer within ${ms} ms`)));
  }

  #end(fault: HostFault): void {
    this.#deadline.stop();
    this.#fault = new HostFault(fault.fault, fault.hook ?? this.#hooks[this.#turn], fault.message);
    this.#signal();
  }

  #signal(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
