import { Buffer } from "node:buffer";
import type { BufferedHostcall, HookOutcome, Loaded } from "../../model/hook.ts";
import type { Phase, Role } from "../../model/phase.ts";
import type { CoreInstance, CoreModule } from "../wasm/engine.ts";
import { Abort, type Ask, Bug, Door, type Failure, type Surroundings } from "./door.ts";
import { Exhausted, exceeded, Gauge } from "./gauge.ts";
import { guestJson, PAYLOAD_LEVELS } from "./guest-json.ts";
import { type Compiled, CoreModules, OverLimit } from "./modules.ts";
import { isExhaustion, trapOf } from "./trap.ts";
import { FROM_HOST, type LoadMessage } from "./wire.ts";

const MAX_ERROR_TEXT = 2000;
/** Bytes that an answer may have as JSON: what a frame takes, with room for the log. */
const MAX_WRITTEN = FROM_HOST.head / 2;

interface Verdict {
  readonly decision: "allow" | "block" | "transform";
  readonly rationale: string;
  readonly payload: string | undefined;
}

interface Exports {
  configure(config: string): void;
  handle(phase: Phase, payload: string): Verdict;
}

type Instantiate = (
  core: (name: string) => CoreModule,
  imports: object,
  instantiate: (module: CoreModule, imports: object) => CoreInstance,
) => Exports;

export interface InstanceParts {
  readonly message: LoadMessage;
  /** The generated module, imported. */
  readonly program: { readonly instantiate: Instantiate };
  /** By name. */
  readonly modules: ReadonlyMap<string, Compiled>;
  readonly ask: Ask;
}

/** What came of one call. */
export interface Answer {
  readonly outcome: HookOutcome;
  readonly fuel: number;
  readonly log: readonly BufferedHostcall[];
}

/**
 * One hook with its door and glue: one component instance for all its calls, or a fresh one for each, as the manifest says.
 * Used until its first failure and never after.
 */
export class Instance {
  readonly #parts: InstanceParts;
  readonly #modules: CoreModules;
  readonly #door: Door;
  #gauge: Gauge;
  #kept: Exports | undefined;
  #failed: Failure | undefined;

  private constructor(parts: InstanceParts) {
    const { limits, seed, mints = false } = parts.message;
    this.#parts = parts;
    this.#modules = new CoreModules(parts.modules);
    this.#gauge = new Gauge(limits);
    this.#door = new Door({ limits, seed, mints, ask: (...asked) => parts.ask(...asked, this.#gauge.used) });
  }

  /** Instantiates and configures. */
  static load(parts: InstanceParts): { readonly loaded: Loaded; readonly instance?: Instance } {
    const instance = new Instance(parts);
    const failure = instance.#guarded(() => {
      const started = instance.#start();
      if (parts.message.instance === "run") instance.#kept = started;
      return undefined;
    });
    const fuel = instance.#gauge.used;
    if (failure) return { loaded: { ok: false, fuel, ...failure } };
    return { loaded: { ok: true, fuel }, instance };
  }

  /** Asks the hook. Whatever happens, the answer is an outcome; after a failure it stays that failure. */
  handle(phase: Phase, payload: string, surroundings: Surroundings): Answer {
    if (this.#failed) return { outcome: { kind: "failed", ...this.#failed }, fuel: 0, log: [] };
    const judged = this.#guarded(() => {
      if (this.#kept) this.#gauge.fill();
      const exports = this.#kept ?? this.#start();
      this.#door.open(surroundings);
      return this.#judge(exports.handle(phase, payload));
    });
    const log = this.#door.close();
    const fuel = this.#gauge.used;
    if ("cause" in judged) {
      this.#failed = judged;
      return { outcome: { kind: "failed", ...judged }, fuel, log };
    }
    return { outcome: judged, fuel, log };
  }

  /** A fresh instance, configured. What that takes is the beginning of the call that needs it. */
  #start(): Exports {
    const { program, message } = this.#parts;
    this.#gauge = new Gauge(message.limits);
    this.#gauge.fill();
    const exports = program.instantiate(
      (name) => this.#modules.get(name),
      this.#door.imports(),
      this.#modules.instantiator(this.#gauge),
    );
    exports.configure(message.config);
    return exports;
  }

  /** Why it failed comes from what is most certain: the host, the meter, the guest's own word, the engine. */
  #guarded<T>(call: () => T): T | Failure {
    let result: T | undefined;
    let thrown: unknown;
    try {
      result = call();
    } catch (error) {
      thrown = error;
      if (isExhaustion(error)) throw new Exhausted(String(error));
      if (error instanceof Bug || error instanceof ReferenceError) throw error;
    }
    const failure = this.#door.failure ?? this.#gauge.failure ?? this.#gauge.denied;
    if (failure) return failure;
    return thrown === undefined ? (result as T) : failureOf(thrown);
  }

  #judge(verdict: Verdict): (HookOutcome & { readonly kind: "verdict" }) | Failure {
    const { limits, role } = this.#parts.message;
    const { decision, rationale, payload } = verdict;
    const bytes = Buffer.byteLength(rationale) + Buffer.byteLength(payload ?? "");
    if (bytes > limits.outputBytes) return exceeded("outputBytes", limits.outputBytes, bytes);
    // Control characters take six bytes each on their way out.
    const written = bytes * 6 < MAX_WRITTEN ? 0 : Buffer.byteLength(JSON.stringify([rationale, payload]));
    if (written > MAX_WRITTEN) return exceeded("outputBytes", MAX_WRITTEN, written);
    const wrong = wrongVerdict(role, verdict);
    if (wrong) return { cause: "malformed", detail: wrong };
    return { kind: "verdict", decision, rationale, ...(payload === undefined ? {} : { payload }) };
  }
}

const MAY: Readonly<Record<Role, readonly Verdict["decision"][]>> = {
  transformer: ["allow", "block", "transform"],
  gate: ["allow", "block"],
  observer: ["allow"],
};

function wrongVerdict(role: Role, { decision, payload }: Verdict): string | undefined {
  if (!MAY[role].includes(decision)) return `the role \`${role}\` may not answer \`${decision}\``;
  if (decision !== "transform") return payload === undefined ? undefined : `\`${decision}\` with a payload`;
  if (payload === undefined) return "`transform` without a payload";
  return guestJson(payload, PAYLOAD_LEVELS) === undefined ? "`transform` with a payload that is not JSON" : undefined;
}

/** What a guest threw that neither the door nor the meter stopped. */
function failureOf(error: unknown): Failure {
  if (error instanceof OverLimit) return error.failure;
  if (error instanceof Error && Object.hasOwn(error, "payload") && !(error instanceof Abort)) {
    return { cause: "error", detail: error.message.slice(0, MAX_ERROR_TEXT).toWellFormed() };
  }
  return { cause: "trap", detail: trapOf(error) };
}
