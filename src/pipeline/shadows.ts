import type { Journal } from "../model/entry.ts";
import type { JsonObject } from "../model/json.ts";
import type { Phase } from "../model/phase.ts";
import { type Agreement, agreementOf } from "./agreement.ts";
import type { BoundaryRecord } from "./record.ts";
import { Shadow, type ShadowAnswer, type ShadowHook, type ShadowParts } from "./shadow.ts";

/** One boundary after the hooks that are obeyed, or the audit of one. */
export interface Watched {
  readonly phase: Phase;
  readonly record: BoundaryRecord;
  /** Canonical text of the payload before the transformers, and after them. */
  readonly original: string;
  readonly text: string;
  /** Whether it is blocked for a reason that is in no verdict: its audit did not complete. */
  readonly blocked: boolean;
  readonly invalid: (value: unknown) => string | undefined;
}

/**
 * The hooks that run beside a run. They are asked one after the other, in their order, when the hooks that are obeyed have
 * decided; what each says is a `check.shadow` in front of the `check.boundary` that it is about. INVARIANT: nothing here is
 * given to anybody but the journal.
 */
export class Shadows {
  readonly #journal: Journal;
  readonly #shadows: readonly Shadow[];

  constructor(hooks: readonly ShadowHook[], parts: ShadowParts) {
    this.#journal = parts.journal;
    this.#shadows = hooks.map((hook) => new Shadow(hook, parts));
  }

  /**
   * Asks those that watch this phase: a transformer about the payload as it came, others about what the transformers left. What that
   * takes is not the run's time.
   */
  async watch(watched: Watched, level: number): Promise<void> {
    const watching = this.#shadows.filter(({ phases }) => phases.includes(watched.phase));
    if (watching.length > 0) await this.#journal.untimed(() => this.#ask(watching, watched, level));
  }

  /** Kills their hook hosts. */
  async close(): Promise<void> {
    await Promise.all(this.#shadows.map((shadow) => shadow.close()));
  }

  async #ask(watching: readonly Shadow[], watched: Watched, level: number): Promise<void> {
    const { phase, original, text, invalid } = watched;
    for (const shadow of watching) {
      const seen = shadow.hook.role === "transformer" ? original : text;
      const answer = await shadow.ask({ phase, level, text: seen, invalid });
      if (answer !== undefined) this.#record(shadow, answer, watched, level);
    }
  }

  #record({ hook }: Shadow, { outcome, fuel, calls }: ShadowAnswer, watched: Watched, level: number): void {
    const { phase, record } = watched;
    const agreement: Agreement | undefined = agreementOf(hook, { outcome, calls }, watched);
    this.#journal.check("check.shadow", {
      hook: hook.name,
      version: hook.version,
      digest: hook.digest,
      component: hook.component,
      role: hook.role,
      tier: hook.tier,
      phase,
      step: record.step,
      subject: record.subject,
      level,
      ...this.#said(outcome),
      ...(agreement === undefined ? {} : { agreement }),
      ...(fuel === undefined ? {} : { fuel }),
      ...(Object.keys(calls).length === 0 ? {} : { calls }),
    });
  }

  /** No audit has seen its words, so the journal commits to them without showing them. */
  #said(outcome: ShadowAnswer["outcome"]): JsonObject {
    if (outcome.kind === "verdict") {
      return { decision: outcome.decision, rationale: this.#journal.commitment(outcome.rationale) };
    }
    return { decision: "failed", cause: outcome.cause, rationale: this.#journal.commitment(outcome.detail) };
  }
}
