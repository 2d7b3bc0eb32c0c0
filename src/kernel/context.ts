import { canonicalJson, digestOf } from "../model/canonical.ts";
import type { Message } from "../model/message.ts";

export interface ContextBudget {
  /** Bytes of all messages together, in canonical JSON. */
  readonly maxBytes: number;
  /** Bytes of one tool result as it is shown to the model. */
  readonly maxResultBytes: number;
}

/** What was done to stay within the budget. */
export interface Trimmed {
  readonly [key: string]: number;
  readonly stubbed: number;
  readonly folded: number;
  readonly bytes: number;
}

interface Kept {
  readonly message: Message;
  readonly bytes: number;
  readonly stub: boolean;
}

/**
 * The conversation, bounded: over the budget the oldest tool results become stubs with their digest, and when that is
 * not enough the oldest turns are folded into one line. It is trimmed to three quarters at once, so that the head of
 * the conversation stays the same for many steps and a step costs the same however many came before.
 */
export class Context {
  readonly #budget: ContextBudget;
  #kept: Kept[] = [];
  #bytes = 0;
  #folded = 0;
  #goal: Message = { role: "user", text: "" };

  constructor(budget: ContextBudget) {
    this.#budget = budget;
  }

  goal(text: string): void {
    this.#goal = { role: "user", text };
  }

  add(message: Message): void {
    const kept = keep(message, false);
    this.#kept.push(kept);
    this.#bytes += kept.bytes;
  }

  /** A tool result as text within the budget of one result, cut between characters. */
  result(value: string): string {
    const bytes = Buffer.byteLength(value);
    if (bytes <= this.#budget.maxResultBytes) return value;
    const cut = Buffer.from(value)
      .subarray(0, this.#budget.maxResultBytes)
      .toString("utf8")
      .replace(/\uFFFD+$/u, "");
    return `${cut}\n[cut: ${Buffer.byteLength(cut)} of ${bytes} bytes]`;
  }

  get messages(): readonly Message[] {
    const folded: Message[] =
      this.#folded === 0 ? [] : [{ role: "user", text: `[${this.#folded} earlier messages are no longer shown]` }];
    return [this.#goal, ...folded, ...this.#kept.map((kept) => kept.message)];
  }

  /** Brings the conversation back within its budget; undefined when it is already. The newest turn is never touched. */
  trim(): Trimmed | undefined {
    if (this.#bytes <= this.#budget.maxBytes) return undefined;
    const target = Math.floor(this.#budget.maxBytes * 0.75);
    const newest = this.#kept.findLastIndex((kept) => kept.message.role === "assistant");
    let stubbed = 0;
    for (let i = 0; i < newest && this.#bytes > target; i++) {
      const kept = this.#kept[i];
      if (kept === undefined || kept.stub || kept.message.role !== "tool") continue;
      const text = `[result no longer shown: ${digestOf(kept.message.text)}, ${Buffer.byteLength(kept.message.text)} bytes]`;
      const stub = keep({ ...kept.message, text }, true);
      if (stub.bytes >= kept.bytes) continue;
      this.#kept[i] = stub;
      this.#bytes += stub.bytes - kept.bytes;
      stubbed += 1;
    }
    let folded = 0;
    while (this.#bytes > target) {
      const turn = this.#kept.findIndex((kept, i) => i > 0 && kept.message.role === "assistant");
      const last = this.#kept.findLastIndex((kept) => kept.message.role === "assistant");
      if (turn <= 0 || turn > last) break;
      for (const kept of this.#kept.splice(0, turn)) {
        this.#bytes -= kept.bytes;
        folded += 1;
      }
    }
    this.#folded += folded;
    return stubbed + folded === 0 ? undefined : { stubbed, folded, bytes: this.#bytes };
  }
}

function keep(message: Message, stub: boolean): Kept {
  return { message, bytes: Buffer.byteLength(canonicalJson(message)), stub };
}
