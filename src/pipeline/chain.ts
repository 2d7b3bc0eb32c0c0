import { canonicalJson, type Digest, digestOf } from "../model/canonical.ts";
import type { Journal } from "../model/entry.ts";
import {
  type AuditRide,
  type FailureCause,
  type HookEvent,
  type HookOutcome,
  type HookSession,
  HostFault,
  type PinnedHook,
} from "../model/hook.ts";
import type { Json } from "../model/json.ts";
import type { Phase, Tier } from "../model/phase.ts";
import type { Failures } from "./failures.ts";
import type { Instances } from "./instances.ts";
import { type BoundaryRecord, nameOf } from "./record.ts";

export interface ChainParts {
  readonly instances: Instances;
  readonly failures: Failures;
  readonly journal: Journal;
  /** What is wrong with a capsule: an unknown kind, a value that does not fit, too many bytes. */
  invalidCapsule(kind: string, value: Json): string | undefined;
  /** Serves a hostcall that goes into the world, and journals it. Never throws for what the guest did. */
  serve(
    event: HookEvent & { readonly kind: "hostcall" },
    at: HostcallContext,
  ): Promise<{ readonly ok: Json } | { readonly error: string }>;
  capsules(): Readonly<Record<string, string>>;
  readonly level: number;
}

export interface HostcallContext {
  readonly phase: Phase;
  readonly hook: PinnedHook;
  readonly level: number;
}

export interface Asking {
  readonly phase: Phase;
  readonly record: BoundaryRecord;
  /** What is wrong with a payload that a transformer returned, or undefined. */
  readonly invalid: (value: unknown) => string | undefined;
  /** This hook and those after it are not asked here if the payload has changed by then. */
  readonly stopBefore?: string | undefined;
  /** The audit of the boundary, to be asked in the same trip where nothing changes or fails. */
  readonly ride?: Ride | undefined;
}

export type Ride = Omit<AuditRide, "hooks"> & { readonly hooks: readonly PinnedHook[] };

/** A trip that is not over: the hooks of the audit are answering. */
export interface Riding {
  readonly session: HookSession;
}

interface Answered {
  readonly outcome: HookOutcome;
  /** What the call used; undefined where the world cut it short. */
  readonly fuel?: number | undefined;
  readonly ended: "by the host" | "by the kernel";
}

interface Failed {
  readonly hook: PinnedHook;
  readonly cause: FailureCause;
  readonly detail: string;
  readonly fuel?: number | undefined;
  readonly calls: readonly string[];
}

export interface Asked {
  /** Canonical text of the payload after the transformers. */
  readonly text: string;
  readonly riding: Riding | undefined;
}

/**
 * Asks hooks in order. Consecutive hooks of one tier share a round trip; a change of the payload or a failure ends it, so that no
 * hook sees what was not validated. INVARIANT: every hook that is asked leaves exactly one verdict in the record,
 * and a hook that failed, now or earlier, leaves `failed`.
 */
export class HookChain {
  readonly #parts: ChainParts;
  #asked = 0;

  constructor(parts: ChainParts) {
    this.#parts = parts;
  }

  /** Asks `hooks` about the payload with this canonical text. */
  async ask(original: string, hooks: readonly PinnedHook[], asking: Asking): Promise<Asked> {
    const { failures, instances } = this.#parts;
    this.#asked += 1;
    let text = original;
    let riding: Riding | undefined;
    for (let next = 0; next < hooks.length; ) {
      const hook = hooks[next];
      if (hook === undefined || (text !== original && hook.name === asking.stopBefore)) break;
      if (failures.get(hook.name) === undefined) await instances.ready(hook.tier);
      const failure = failures.get(hook.name);
      if (failure !== undefined) {
        this.#fail(asking.record, { hook, cause: failure.cause, detail: failure.detail, calls: [] });
        next += 1;
        continue;
      }
      const batch = this.#together(hooks.slice(next), hook.tier);
      const before = asking.record.verdicts.length;
      const riders = batch.length === hooks.length ? this.#riders(asking.ride, hook.tier) : undefined;
      const started = await this.#begin(text, batch, asking, { tier: hook.tier, riders });
      const followed = await this.#follow(started, text, batch, asking);
      text = followed.text;
      next += asking.record.verdicts.length - before;
      if (riders !== undefined && followed.whole) riding = started;
    }
    return { text, riding };
  }

  /** Goes on with the hooks of `audit` that rode along, if what they saw is the record that the kernel made; then with the rest. */
  async askRiding(riding: Riding, original: string, hooks: readonly PinnedHook[], asking: Asking): Promise<string> {
    this.#asked += 1;
    const { text } = await this.#follow(riding, original, hooks, { ...asking, saw: digestOf(original) });
    const rest = hooks.slice(asking.record.verdicts.length);
    return rest.length === 0 ? text : (await this.ask(text, rest, asking)).text;
  }

  /** The hooks up to the first that has failed or is of another tier: those that one host can answer for in one trip. */
  #together(hooks: readonly PinnedHook[], tier: Tier): readonly PinnedHook[] {
    const end = hooks.findIndex((hook) => hook.tier !== tier || this.#parts.failures.get(hook.name) !== undefined);
    return end === -1 ? hooks : hooks.slice(0, end);
  }

  /** An audit rides along only as a whole. */
  #riders(ride: Ride | undefined, tier: Tier): AuditRide | undefined {
    if (ride === undefined || ride.hooks.length === 0 || this.#together(ride.hooks, tier).length < ride.hooks.length) {
      return undefined;
    }
    return { ...ride, hooks: ride.hooks.map((hook) => hook.name) };
  }

  async #begin(
    text: string,
    batch: readonly PinnedHook[],
    asking: Asking,
    { tier, riders }: { readonly tier: Tier; readonly riders: AuditRide | undefined },
  ): Promise<Riding> {
    const host = await this.#parts.instances.ready(tier);
    const session = host.begin({
      phase: asking.phase,
      payload: text,
      hooks: batch.map((hook) => hook.name),
      now: this.#parts.journal.now(),
      capsules: this.#parts.capsules(),
      ...(riders === undefined ? {} : { audit: riders }),
    });
    return { session };
  }

  /**
   * Follows one round trip until a hook changed the payload or failed, or all have answered `allow` or `block` (`whole`).
   * INVARIANT: what is done here depends on the answers only, never on how far the host has come meanwhile.
   */
  async #follow(
    { session }: Riding,
    text: string,
    batch: readonly PinnedHook[],
    asking: Asking & { readonly saw?: Digest },
  ): Promise<{ readonly text: string; readonly whole: boolean }> {
    for (const hook of batch) {
      const calls: string[] = [];
      const { outcome, fuel, ended } = await this.#answerOf(hook, session, asking, calls);
      if (hook.instance === "call") this.#parts.instances.released(hook.name);
      if (outcome.kind === "failed") {
        this.#fail(asking.record, { hook, cause: outcome.cause, detail: outcome.detail, fuel, calls });
        if (ended !== "by the host") await this.#parts.instances.close();
        return { text, whole: false };
      }
      if (outcome.decision !== "transform") {
        asking.record.verdicts.push({ hook, decision: outcome.decision, rationale: outcome.rationale, fuel, calls });
        continue;
      }
      const replaced = readPayload(outcome.payload, asking.invalid);
      if ("wrong" in replaced) {
        const detail = `its payload is refused: ${replaced.wrong}`;
        this.#fail(asking.record, { hook, cause: "malformed", detail, fuel, calls });
        return { text, whole: false };
      }
      asking.record.verdicts.push({
        hook,
        decision: "transform",
        rationale: outcome.rationale,
        fuel,
        calls,
        text: replaced.text,
      });
      return { text: replaced.text, whole: false };
    }
    return { text, whole: true };
  }

  /** Its answer; but a hook that fails in a call that this chain requested one level down fails here too (invariant 4). */
  async #answerOf(
    hook: PinnedHook,
    session: HookSession,
    asking: Asking & { readonly saw?: Digest },
    calls: string[],
  ): Promise<Answered> {
    const { failures } = this.#parts;
    if (failures.get(hook.name) === undefined) {
      const answer = await this.#answer(hook, session, asking, calls);
      if (answer.outcome.kind === "failed" || failures.get(hook.name) === undefined) return answer;
    }
    const { cause = "error", detail = "" } = failures.get(hook.name) ?? {};
    return { outcome: { kind: "failed", cause, detail }, ended: "by the kernel" };
  }

  /**
   * Follows one hook to its answer, serving what it asks for on the way. `ended` says whether the host knows that the trip
   * ends with a failure; where it does not, it is gone, not to be trusted, or at work on what no longer counts.
   */
  async #answer(
    hook: PinnedHook,
    session: HookSession,
    asking: Asking & { readonly saw?: Digest },
    calls: string[],
  ): Promise<Answered> {
    const { journal, level } = this.#parts;
    const ref = { asked: this.#asked, phase: asking.phase, level, hook: hook.name };
    for (;;) {
      try {
        const event = await journal.faultable(ref, async () => {
          const next = await session.next();
          const seen = next?.kind !== "result" || next.saw === asking.saw;
          if (next?.hook === hook.name && seen) return next;
          throw new HostFault("protocol", hook.name, "the hook host gave no answer to what was asked");
        });
        asking.record.log(hook.name, event.log);
        calls.push(...event.log.map(nameOf));
        if (event.kind === "result") {
          const wrong = this.#invalidCapsules(asking.record);
          if (wrong === undefined) return { outcome: event.outcome, fuel: event.fuel, ended: "by the host" };
          const outcome = { kind: "failed", cause: "malformed", detail: wrong } as const;
          return { outcome, fuel: event.fuel, ended: "by the kernel" };
        }
        calls.push(event.call);
        const answer = await this.#parts.serve(event, { phase: asking.phase, hook, level });
        session.answer({ ...answer, now: journal.now() });
      } catch (error) {
        if (!(error instanceof HostFault)) throw error;
        return { outcome: { kind: "failed", cause: error.fault, detail: error.message }, ended: "by the kernel" };
      }
    }
  }

  #invalidCapsules(record: BoundaryRecord): string | undefined {
    for (const capsule of record.capsules) {
      const wrong = this.#parts.invalidCapsule(capsule.kind, capsule.value);
      if (wrong !== undefined) return `capsule \`${capsule.kind}\`: ${wrong}`;
    }
    return undefined;
  }

  #fail(record: BoundaryRecord, { hook, cause, detail, fuel, calls }: Failed): void {
    this.#parts.failures.mark({ hook: hook.name, cause, detail });
    this.#parts.instances.discard(hook.name);
    record.forget(hook.name);
    const rationale = `hook \`${hook.name}\` failed (${cause}): ${detail}; it blocks until a person re-arms it`;
    record.verdicts.push({ hook, decision: "failed", cause, rationale, fuel, calls });
  }
}

/** What a transformer returned, read strictly and brought into canonical form. */
export function readPayload(
  payload: string | undefined,
  invalid: (value: unknown) => string | undefined,
): { readonly text: string } | { readonly wrong: string } {
  if (payload === undefined) return { wrong: "there is none" };
  try {
    const value: unknown = JSON.parse(payload);
    const wrong = invalid(value);
    return wrong === undefined ? { text: canonicalJson(value) } : { wrong };
  } catch {
    return { wrong: "it is not JSON, or has no canonical form" };
  }
}
