import { Buffer } from "node:buffer";
import type { BufferedHostcall, HookOutcome } from "../../model/hook.ts";
import type { Phase, Role } from "../../model/phase.ts";
import { type CoreInstance, type CoreModule, engine } from "../wasm/engine.ts";
import { type Capped, capModule, OverCap } from "./cap.ts";
import { Abort, type Ask, Bug, Door, type Failure, type Surroundings } from "./door.ts";
import { guestJson, PAYLOAD_LEVELS } from "./guest-json.ts";
import { trapOf } from "./trap.ts";
import type { Loaded, LoadMessage } from "./wire.ts";

/** Of one component, whatever it nests. */
const MAX_INSTANCES = 256;
const MAX_MEMORIES = 4;
const MAX_TABLES = 64;
const MAX_ERROR_TEXT = 2000;

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

/** One hook: a component instance with its own memory, door and glue. Used until its first failure and never after. */
export class Instance {
  readonly #exports: Exports;
  readonly #door: Door;
  readonly #role: Role;
  readonly #outputBytes: number;
  #failed: Failure | undefined;

  private constructor(message: LoadMessage, exports: Exports, door: Door) {
    this.#exports = exports;
    this.#door = door;
    this.#role = message.role;
    this.#outputBytes = message.limits.outputBytes;
  }

  /** Compiles, instantiates and configures. `program` is the generated module, imported; `modules` the core modules by name. */
  static load(
    message: LoadMessage,
    program: { readonly instantiate: Instantiate },
    modules: ReadonlyMap<string, Uint8Array>,
    ask: Ask,
  ): { readonly loaded: Loaded; readonly instance?: Instance } {
    const door = new Door({ limits: message.limits, seed: message.seed, ask });
    try {
      const core = compile(modules, message.limits);
      const exports = program.instantiate(core.get, door.imports(), core.instantiate);
      exports.configure(message.config);
      if (door.failure) return { loaded: { ok: false, ...door.failure } };
      return { loaded: { ok: true }, instance: new Instance(message, exports, door) };
    } catch (error) {
      return { loaded: { ok: false, ...failureOf(error, door.failure) } };
    }
  }

  /** Asks the hook. Whatever happens, the answer is an outcome; after a failure it stays that failure. */
  handle(
    phase: Phase,
    payload: string,
    surroundings: Surroundings,
  ): { readonly outcome: HookOutcome; readonly log: readonly BufferedHostcall[] } {
    if (this.#failed) return { outcome: { kind: "failed", ...this.#failed }, log: [] };
    this.#door.open(surroundings);
    let found: Verdict | Failure;
    try {
      found = this.#exports.handle(phase, payload);
    } catch (error) {
      found = failureOf(error, this.#door.failure);
    }
    const failure = this.#door.failure;
    const log = this.#door.close();
    const judged = failure ?? ("cause" in found ? found : this.#judge(found));
    if ("cause" in judged) {
      this.#failed = judged;
      return { outcome: { kind: "failed", ...judged }, log };
    }
    return { outcome: judged, log };
  }

  #judge(verdict: Verdict): (HookOutcome & { readonly kind: "verdict" }) | Failure {
    const { decision, rationale, payload } = verdict;
    const bytes = Buffer.byteLength(rationale) + Buffer.byteLength(payload ?? "");
    if (bytes > this.#outputBytes) {
      return { cause: "limit", detail: `\`outputBytes\`: allowed ${this.#outputBytes}, used ${bytes}` };
    }
    const wrong = wrongVerdict(this.#role, verdict);
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

function failureOf(error: unknown, failure: Failure | undefined): Failure {
  if (error instanceof Bug) throw error;
  if (failure) return failure;
  if (error instanceof ReferenceError) throw error;
  if (error instanceof OverCap) return { cause: "limit", detail: error.message };
  if (error instanceof Error && Object.hasOwn(error, "payload") && !(error instanceof Abort)) {
    return { cause: "error", detail: error.message.slice(0, MAX_ERROR_TEXT).toWellFormed() };
  }
  return { cause: "trap", detail: trapOf(error) };
}

/**
 * Core modules on their way to V8. What rewrites modules belongs here, between the verified bytes and the compiler.
 */
function compile(modules: ReadonlyMap<string, Uint8Array>, limits: LoadMessage["limits"]) {
  const compiled = new Map<string, CoreModule>();
  const counts = new Map<CoreModule, Capped>();
  for (const [name, bytes] of modules) {
    const capped = capModule(bytes, limits);
    const module = new engine.Module(Uint8Array.from(capped.bytes));
    compiled.set(name, module);
    counts.set(module, capped);
  }
  const used = { instances: 0, memories: 0, tables: 0 };
  return {
    get(name: string): CoreModule {
      const module = compiled.get(name);
      if (!module) throw new Bug(`the generated code wants a module \`${name}\` that it did not come with`);
      return module;
    },
    instantiate(module: CoreModule, imports: object): CoreInstance {
      used.instances += 1;
      used.memories += counts.get(module)?.memories ?? 0;
      used.tables += counts.get(module)?.tables ?? 0;
      within("instances", used.instances, MAX_INSTANCES);
      within("memories", used.memories, MAX_MEMORIES);
      within("tables", used.tables, MAX_TABLES);
      return new engine.Instance(module, imports);
    },
  };
}

function within(name: string, used: number, allowed: number): void {
  if (used > allowed) throw new OverCap(`\`${name}\`: allowed ${allowed}, used ${used}`);
}
