import type { Journal } from "../model/entry.ts";
import type { PinnedHook } from "../model/hook.ts";
import type { Json } from "../model/json.ts";

export type Answer = { readonly ok: Json } | { readonly error: string };

/** Who asks, on which level of calls. */
export interface Asker {
  readonly hook: PinnedHook;
  readonly level: number;
}

/**
 * What a hook may not do is an error for it and an entry `check.refused`. `reason` stands in clear, so it holds nothing that the
 * guest chose; `told` is what the guest sees, if that is more.
 */
export function refuse(
  journal: Journal,
  { hook, level }: Asker,
  { call, reason, told = reason }: { readonly call: string; readonly reason: string; readonly told?: string },
): Answer {
  journal.check("check.refused", { origin: `hook:${hook.name}`, level, tool: call, reason });
  return { error: `denied: ${told}` };
}
