import { canonicalJson } from "../model/canonical.ts";
import type { HookEvent, PinnedHook } from "../model/hook.ts";
import type { Json } from "../model/json.ts";
import type { Phase } from "../model/phase.ts";
import { type HandleParts, Handles } from "./files.ts";

/** The longest that one `sleep` may take, in ms. */
const MAX_SLEEP_MS = 60_000;
/** How deep calls may nest that hooks request. */
const MAX_LEVEL = 2;

export type Answer = { readonly ok: Json } | { readonly error: string };

export interface HostcallParts extends HandleParts {
  /** Makes a tool call for a hook through the whole chain, one level down. */
  callTool(request: {
    readonly hook: string;
    readonly tool: string;
    readonly arguments: Json;
    readonly level: number;
  }): Promise<Answer>;
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

  async serve(
    event: HookEvent & { readonly kind: "hostcall" },
    at: { readonly phase: Phase; readonly hook: PinnedHook; readonly level: number },
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
    if (event.call === "request-tool-call") return this.#tool(event.arguments, at);
    if (event.call === "sleep") return this.#sleep(event.arguments, at.hook);
    if (event.call.startsWith("files.")) {
      return this.#handles.serve(event.call.slice("files.".length), event.arguments, at);
    }
    return { error: `there is no hostcall \`${event.call}\`` };
  }

  async #tool(
    request: { readonly [key: string]: Json },
    at: { readonly hook: PinnedHook; readonly level: number },
  ): Promise<Answer> {
    const tool = request.tool;
    if (typeof tool !== "string") return { error: "`tool` must be a string" };
    if (!at.hook.authority.tools.includes(tool))
      return { error: `denied: this hook has no grant for tool \`${tool}\`` };
    if (at.level >= MAX_LEVEL) return { error: `denied: calls of hooks nest ${MAX_LEVEL} levels deep at most` };
    return this.#parts.callTool({
      hook: at.hook.name,
      tool,
      arguments: request.arguments ?? null,
      level: at.level + 1,
    });
  }

  async #sleep(request: { readonly [key: string]: Json }, hook: PinnedHook): Promise<Answer> {
    const ms = request.milliseconds;
    if (typeof ms !== "number" || !(ms >= 0 && ms <= MAX_SLEEP_MS))
      return { error: `a sleep lasts 0 to ${MAX_SLEEP_MS} ms` };
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
