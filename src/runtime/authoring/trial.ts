import { createHmac } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { noLeases } from "../../hostcall/leases.ts";
import { Hostcalls } from "../../hostcall/serve.ts";
import { canonicalJson, digestOf } from "../../model/canonical.ts";
import {
  type BufferedHostcall,
  type FailureCause,
  type HookEvent,
  type HookHost,
  type HookHosts,
  HostFault,
  type Loaded,
  type PinnedHook,
} from "../../model/hook.ts";
import type { Json, JsonObject } from "../../model/json.ts";
import type { Audit } from "../../model/payload.ts";
import type { CapsuleKind, Phase } from "../../model/phase.ts";
import { skeleton } from "../../pipeline/audit.ts";
import { nameOf } from "../../pipeline/record.ts";
import { invalidCapsule, invalidPayload } from "../../pipeline/schemas.ts";
import { fileDriver } from "../files.ts";
import { directFiles } from "../workspace.ts";
import { unrecorded } from "./unrecorded.ts";

/** What a hook is asked. The payload has been found to fit the schema of the phase. */
export interface Question {
  readonly phase: Phase;
  readonly payload: JsonObject;
  readonly capsules: Readonly<Partial<Record<CapsuleKind, Json>>>;
}

/** One hostcall: those that need an answer have what came of them. */
export interface Call {
  readonly call: string;
  readonly answer?: "ok" | string;
}

/** What a hook answered, judged as in a run. */
export interface Answered {
  readonly decision: "allow" | "block" | "transform" | "failed";
  readonly cause?: FailureCause;
  readonly rationale: string;
  readonly payload?: Json;
  readonly events: readonly { readonly kind: string; readonly data: Json }[];
  readonly capsules: readonly { readonly kind: string; readonly value: Json }[];
  readonly approvals: readonly Json[];
  readonly calls: readonly Call[];
  /** Instructions; absent where the world cut the call short. */
  readonly fuel?: number;
}

export interface TrialParts {
  readonly hosts: HookHosts;
  readonly bytes: Uint8Array;
  /** Where the files of the hook's grants are; without it every grant is empty. */
  readonly workspace?: string | undefined;
  /** ms since the epoch. */
  now(): number;
}

/** The random source of a trial is always the same, so that the same question has the same answer. */
const SEED = digestOf("pinion/trial").slice("sha256:".length);

/**
 * Asks hooks outside of a run: in a real hook host, with the confinement, the limits and the checks of a run, and without a
 * journal. Tool calls of a hook are denied, since a run is what they would belong to. Opens another host when one has died.
 */
export class Trial {
  readonly #parts: TrialParts;
  readonly #hostcalls: Hostcalls;
  #host: HookHost | undefined;

  constructor(parts: TrialParts) {
    const journal = unrecorded(() => parts.now());
    this.#parts = parts;
    this.#hostcalls = new Hostcalls({
      journal,
      heed: () => undefined,
      trusts: () => true,
      callTool: () => Promise.resolve({ error: "denied: there is no run that the call could be part of" }),
      wait: (ms, signal) => wait(ms, undefined, { signal }),
      leases: noLeases(),
      files: fileDriver(directFiles(parts.workspace ?? "")),
      permit: () => ({ allow: true, rule: "the workspace", reason: "it was given" }),
      lost: () => undefined,
      token: (name) => createHmac("sha256", SEED).update(name).digest("hex").slice(0, 32),
      grants: () => journal.check("check.hooks", {}),
    });
  }

  /** Loads a hook into the host; its name must be new there. */
  async load(hook: PinnedHook): Promise<Loaded> {
    if (this.#host?.alive !== true) this.#host = await this.#parts.hosts.open({ deadlines: true });
    try {
      return await this.#host.load({ hook, bytes: this.#parts.bytes, seed: SEED });
    } catch (error) {
      if (!(error instanceof HostFault)) throw error;
      return { ok: false, fuel: 0, cause: error.fault, detail: error.message };
    }
  }

  /** Asks a hook that was loaded. */
  async ask(hook: PinnedHook, { phase, payload, capsules }: Question): Promise<Answered> {
    if (this.#host === undefined) throw new HostFault("host-died", hook.name, "no hook was loaded");
    const texts = Object.entries(capsules).map(([kind, value]) => [kind, canonicalJson(value)] as const);
    const session = this.#host.begin({
      phase,
      payload: canonicalJson(payload),
      hooks: [hook.name],
      now: this.#parts.now(),
      capsules: Object.fromEntries(texts),
    });
    const log: BufferedHostcall[] = [];
    const calls: Call[] = [];
    try {
      for (;;) {
        const event = await session.next();
        if (event === undefined) throw new HostFault("protocol", hook.name, "the hook host gave no answer");
        log.push(...event.log);
        calls.push(...event.log.map((call) => ({ call: nameOf(call) })));
        if (event.kind === "result") return judged(event, { phase, payload, log, calls });
        const answer = await this.#hostcalls.serve(event, { phase, hook, level: 0 });
        calls.push({ call: event.call, answer: "error" in answer ? answer.error : "ok" });
        session.answer({ ...answer, now: this.#parts.now() });
      }
    } catch (error) {
      if (!(error instanceof HostFault)) throw error;
      return failed(error.fault, error.message, { log, calls });
    }
  }
}

interface Said {
  readonly log: readonly BufferedHostcall[];
  readonly calls: readonly Call[];
}

function judged(
  { outcome, fuel }: HookEvent & { readonly kind: "result" },
  { phase, payload, ...said }: Said & { readonly phase: Phase; readonly payload: JsonObject },
): Answered {
  if (outcome.kind === "failed") return { ...failed(outcome.cause, outcome.detail, said), fuel };
  for (const call of said.log) {
    const wrong = call.call === "write-capsule" ? invalidCapsule(call.kind, call.value) : undefined;
    if (call.call === "write-capsule" && wrong !== undefined) {
      return { ...failed("malformed", `capsule \`${call.kind}\`: ${wrong}`, said), fuel };
    }
  }
  const { decision, rationale } = outcome;
  if (decision !== "transform") return { decision, rationale, ...spoken(said), fuel };
  const value = JSON.parse(outcome.payload ?? "null") as Json;
  const wrong = invalidPayload(phase, value) ?? (phase === "audit" ? changed(payload, value) : undefined);
  if (wrong !== undefined) return { ...failed("malformed", `its payload is refused: ${wrong}`, said), fuel };
  return { decision, rationale, payload: value, ...spoken(said), fuel };
}

function changed(before: Json, after: Json): string | undefined {
  const same = skeleton(before as unknown as Audit) === skeleton(after as unknown as Audit);
  return same ? undefined : "it changes more than texts";
}

/** What a hook that failed wrote into capsules is not kept. */
function failed(cause: FailureCause, detail: string, said: Said): Answered {
  return { decision: "failed", cause, rationale: detail, ...spoken(said), capsules: [] };
}

function spoken({ log, calls }: Said): Pick<Answered, "events" | "capsules" | "approvals" | "calls"> {
  return {
    events: log.flatMap((call) => (call.call === "emit-event" ? [{ kind: call.kind, data: call.data }] : [])),
    capsules: log.flatMap((call) => (call.call === "write-capsule" ? [{ kind: call.kind, value: call.value }] : [])),
    approvals: log.flatMap((call) => (call.call === "request-approval" ? [call.request] : [])),
    calls,
  };
}
