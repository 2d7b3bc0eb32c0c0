import { canonicalJson } from "../model/canonical.ts";
import type { Journal } from "../model/entry.ts";
import {
  type FailureCause,
  type HookHost,
  type HookHosts,
  type HookOutcome,
  type HookSession,
  HostFault,
  type Loaded,
  type PinnedHook,
} from "../model/hook.ts";
import type { Json } from "../model/json.ts";
import type { Phase } from "../model/phase.ts";
import { readPayload } from "./chain.ts";

/** A hook in shadow, and the phases that it watches. Its tier is `proposed`. */
export interface ShadowHook {
  readonly hook: PinnedHook;
  readonly phases: readonly Phase[];
}

export interface ShadowParts {
  readonly hosts: Pick<HookHosts, "open">;
  readonly journal: Journal;
  /** Verified bytes of the hook's component. Throws `HostFault("missing-artifact")` where a live run goes on without it. */
  component(hook: PinnedHook): Promise<Uint8Array>;
  /** 32 bytes, hex, for the random source of a shadow; no obeyed hook has the same. */
  seed(hook: PinnedHook): string;
  readonly deadlines: boolean | (() => boolean);
  invalidCapsule(kind: string, value: Json): string | undefined;
  /** The capsules of the run. */
  capsules(): Readonly<Record<string, string>>;
}

export interface ShadowQuestion {
  readonly phase: Phase;
  readonly level: number;
  /** Canonical text of the payload. */
  readonly text: string;
  /** What is wrong with a payload that a transformer returned, or undefined. */
  readonly invalid: (value: unknown) => string | undefined;
}

export type ShadowOutcome =
  | { readonly kind: "verdict"; readonly decision: "allow" | "block"; readonly rationale: string }
  /** `text`: canonical text of the payload that it returned, which was found valid. */
  | { readonly kind: "verdict"; readonly decision: "transform"; readonly rationale: string; readonly text: string }
  | { readonly kind: "failed"; readonly cause: FailureCause; readonly detail: string };

export interface ShadowAnswer {
  readonly outcome: ShadowOutcome;
  /** Instructions that the call executed; undefined where the world cut it short. */
  readonly fuel: number | undefined;
  /** Numbers of hostcalls by name. */
  readonly calls: Readonly<Record<string, number>>;
}

type Capsule = { readonly kind: string; readonly value: Json };

const DENIED = { error: "denied: shadow" } as const;

/**
 * One hook in shadow, in a hook host of its own, on all levels of a run. It shares nothing with the hooks that are obeyed: no
 * process, no instance, no random source, no capsules. What it asks of the world is denied. INVARIANT: whatever it does, `ask`
 * rejects with the journal's errors only. A failure is answered once; it is not asked again in this run.
 */
export class Shadow {
  readonly hook: PinnedHook;
  readonly phases: readonly Phase[];
  readonly #parts: ShadowParts;
  /** What it wrote, by kind, and over which capsule of the run: a newer one of the run stands above it. */
  readonly #capsules = new Map<string, { readonly text: string; readonly over: string | undefined }>();
  #host: HookHost | undefined;
  #failed = false;
  #asked = 0;

  constructor({ hook, phases }: ShadowHook, parts: ShadowParts) {
    this.hook = hook;
    this.phases = phases;
    this.#parts = parts;
  }

  /** Its answer; undefined once it has failed. */
  async ask(question: ShadowQuestion): Promise<ShadowAnswer | undefined> {
    if (this.#failed) return undefined;
    const calls: Record<string, number> = {};
    const { outcome, fuel } = await this.#attempt(question, calls);
    if (outcome.kind === "failed") {
      this.#failed = true;
      await this.close();
    }
    return { outcome, fuel, calls };
  }

  /** Kills its hook host. */
  async close(): Promise<void> {
    const host = this.#host;
    this.#host = undefined;
    await host?.kill();
  }

  async #attempt(question: ShadowQuestion, calls: Record<string, number>): Promise<Omit<ShadowAnswer, "calls">> {
    try {
      const loaded = await this.#load();
      if (loaded?.ok === false) {
        const { cause, detail, fuel } = loaded;
        return { outcome: { kind: "failed", cause, detail }, fuel };
      }
      return await this.#follow(question, calls);
    } catch (error) {
      if (!(error instanceof HostFault)) throw error;
      return { outcome: { kind: "failed", cause: error.fault, detail: error.message }, fuel: undefined };
    }
  }

  /** Before its first call. */
  #load(): Promise<Loaded | undefined> {
    if (this.#host !== undefined) return Promise.resolve(undefined);
    const { hosts, journal, deadlines, component, seed } = this.#parts;
    const { hook } = this;
    return journal.faultable({ shadow: hook.digest, load: true }, async () => {
      // The run may hold hook hosts already, and who holds one does not wait for others.
      this.#host = await hosts.open({ deadlines, tier: hook.tier, nested: true });
      return this.#host.load({ hook, bytes: await component(hook), seed: seed(hook) });
    });
  }

  async #follow(question: ShadowQuestion, calls: Record<string, number>): Promise<Omit<ShadowAnswer, "calls">> {
    const { journal } = this.#parts;
    const { hook } = this;
    const { phase, level, text: payload } = question;
    this.#asked += 1;
    const ref = { shadow: hook.digest, asked: this.#asked, phase, level };
    const batch = { phase, payload, hooks: [hook.name], now: journal.now(), capsules: this.#surroundings() };
    const written: Capsule[] = [];
    let session: HookSession | undefined;
    for (;;) {
      const event = await journal.faultable(ref, async () => {
        session ??= this.#host?.begin(batch);
        const next = await session?.next();
        if (next?.hook === hook.name) return next;
        throw new HostFault("protocol", hook.name, "the hook host gave no answer to what was asked");
      });
      for (const call of event.log) {
        count(calls, call.call);
        if (call.call === "write-capsule") written.push(call);
      }
      if (event.kind === "result") {
        const outcome = this.#invalidCapsule(written) ?? judge(event.outcome, question.invalid);
        if (outcome.kind === "verdict") this.#keep(written);
        return { outcome, fuel: event.fuel };
      }
      count(calls, event.call);
      session?.answer({ ...DENIED, now: journal.now() });
    }
  }

  #invalidCapsule(written: readonly Capsule[]): ShadowOutcome | undefined {
    for (const { kind, value } of written) {
      const wrong = this.#parts.invalidCapsule(kind, value);
      if (wrong !== undefined) return { kind: "failed", cause: "malformed", detail: `capsule \`${kind}\`: ${wrong}` };
    }
    return undefined;
  }

  /** The capsules as they would be if what it wrote had been kept. */
  #surroundings(): Readonly<Record<string, string>> {
    const texts = { ...this.#parts.capsules() };
    for (const [kind, { text, over }] of this.#capsules) {
      if (texts[kind] === over) texts[kind] = text;
    }
    return texts;
  }

  #keep(written: readonly Capsule[]): void {
    const texts = this.#parts.capsules();
    for (const { kind, value } of written) {
      this.#capsules.set(kind, { text: canonicalJson(value), over: texts[kind] });
    }
  }
}

/** As the chain reads a verdict that counts: what it would refuse there, the shadow failed at. */
function judge(outcome: HookOutcome, invalid: ShadowQuestion["invalid"]): ShadowOutcome {
  if (outcome.kind === "failed") return outcome;
  const { decision, rationale } = outcome;
  if (decision !== "transform") return { kind: "verdict", decision, rationale };
  const replaced = readPayload(outcome.payload, invalid);
  if ("text" in replaced) return { kind: "verdict", decision, rationale, text: replaced.text };
  return { kind: "failed", cause: "malformed", detail: `its payload is refused: ${replaced.wrong}` };
}

function count(calls: Record<string, number>, name: string): void {
  calls[name] = (calls[name] ?? 0) + 1;
}
