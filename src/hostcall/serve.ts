import { canonicalJson } from "../model/canonical.ts";
import type { HookEvent, HookLimits, PinnedHook } from "../model/hook.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { Phase } from "../model/phase.ts";
import { type HandleParts, Handles } from "./files.ts";
import { type LeaseDesk, serveLeases } from "./leases.ts";
import { type Answer, type Asker, refuse } from "./refusal.ts";

/** The longest that one `sleep` may take, in ms; a hook that may wait less sleeps less. */
const MAX_SLEEP_MS = 60_000;
/** How deep calls may nest that hooks request. */
const MAX_LEVEL = 2;

export interface HostcallParts extends HandleParts {
  /** Makes a tool call for a hook through the whole chain, one level down. */
  callTool(request: {
    readonly hook: string;
    readonly tool: string;
    readonly arguments: Json;
    readonly level: number;
  }): Promise<Answer>;
  /** Takes what people asked for since the last boundary, as far as it concerns what hooks were given. */
  heed(): void;
  /** Whether a hook has not ceased to be trusted meanwhile. */
  trusts(hook: string): boolean;
  readonly leases: LeaseDesk;
  /** Waits. Called inside a journaled input only. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * The guests' door: serves the hostcalls that go into the world. Authority first, then the journal, then the answer.
 * What a guest asks without having it is an error for the guest, never a fault of the run.
 */
export class Hostcalls {
  readonly #parts: HostcallParts;
  readonly #handles: Handles;

  constructor(parts: HostcallParts) {
    this.#parts = parts;
    this.#handles = new Handles(parts);
  }

  /** The instance of a hook is gone, and with it what it was given. */
  forget(hook: string, level: number): void {
    this.#handles.forget(hook, level);
  }

  /** Takes back what a hook holds on all levels; it is given nothing any more in this run. */
  revoke(hook: string): void {
    this.#handles.revoke(hook);
  }

  async serve(
    event: HookEvent & { readonly kind: "hostcall" },
    at: Asker & { readonly phase: Phase },
  ): Promise<Answer> {
    const { journal } = this.#parts;
    journal.check("check.hostcalls", {
      hook: at.hook.name,
      phase: at.phase,
      level: at.level,
      call: event.call,
      // What a guest says here has not passed any chain, so the journal commits to it without showing it.
      request: journal.commitment(canonicalJson(event.arguments)),
      before: event.log.length,
      fuel: event.fuel,
    });
    this.#parts.heed();
    if (!this.#parts.trusts(at.hook.name)) {
      return refuse(journal, at, { call: event.call, reason: "this hook is no longer trusted" });
    }
    if (event.call === "request-tool-call") return this.#tool(event.arguments, at);
    if (event.call === "sleep") return this.#sleep(event.arguments, at.hook);
    if (event.call.startsWith("files.")) {
      return this.#handles.serve(event.call.slice("files.".length), event.arguments, at);
    }
    if (event.call.startsWith("leases.") || event.call.startsWith("minting.")) {
      return serveLeases(event.call, event.arguments, { at, desk: this.#parts.leases, journal });
    }
    return { error: `there is no hostcall \`${event.call}\`` };
  }

  async #tool(request: JsonObject, at: Asker): Promise<Answer> {
    const { tool } = request;
    const deny = (reason: string, told: string): Answer =>
      refuse(this.#parts.journal, at, { call: "request-tool-call", reason, told });
    if (typeof tool !== "string") return { error: "`tool` must be a string" };
    if (!at.hook.authority.tools.includes(tool)) {
      return deny("this hook has no grant for that tool", `this hook has no grant for tool \`${tool}\``);
    }
    if (at.level >= MAX_LEVEL) {
      const reason = `calls of hooks nest ${MAX_LEVEL} levels deep at most`;
      return deny(reason, reason);
    }
    return this.#parts.callTool({
      hook: at.hook.name,
      tool,
      arguments: request.arguments ?? null,
      level: at.level + 1,
    });
  }

  /** A sleep that the hook's own limits would cut short is not begun: nothing waits for a hook that is gone. */
  async #sleep({ milliseconds: ms }: JsonObject, hook: PinnedHook): Promise<Answer> {
    const most = Math.min(MAX_SLEEP_MS, hook.limits.deadlineMs, hook.limits.hostcallMs);
    if (typeof ms !== "number" || !(ms >= 0 && ms <= most)) return { error: tooLong(ms, most, hook.limits) };
    const outcome = await this.#parts.journal.input<null>({
      kind: "input.sleep",
      ref: { hook: hook.name },
      request: { ms },
      perform: async (signal) => {
        await this.#parts.wait(ms, signal);
        return null;
      },
    });
    return outcome.kind === "ok" ? { ok: null } : { error: "the sleep was interrupted" };
  }
}

function tooLong(asked: Json | undefined, most: number, limits: HookLimits): string {
  const bound = (["hostcallMs", "deadlineMs"] as const).find((name) => limits[name] === most);
  const why = bound === undefined ? "" : `: \`${bound}\` allows no more`;
  return `a sleep of ${String(asked)} ms, allowed 0 to ${most} ms${why}`;
}
