import type { Journal } from "../model/entry.ts";
import type { PinnedHook } from "../model/hook.ts";
import type { Answer } from "./refusal.ts";

/** What a hook has changed in a run, on all levels and in all its instances. */
interface Used {
  files: number;
  fileBytes: number;
}

/**
 * The limits `files` and `fileBytes`: kernel arithmetic over what hooks asked for and what the recorded answers say, so a
 * resumed run goes on counting where it was. Nothing is ever given back: replacing and removing cost what creating cost.
 */
export class Quotas {
  readonly #journal: Journal;
  readonly #used = new Map<string, Used>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** The guest's answer when `more` would go beyond a limit, with an entry that says so; nothing is counted here. */
  refusal(hook: PinnedHook, limit: keyof Used, more: number): Answer | undefined {
    const allowed = hook.limits[limit];
    const used = this.#of(hook)[limit] + more;
    if (used <= allowed) return undefined;
    this.#journal.check("check.limit", { hook: hook.name, limit, allowed, used });
    return { error: `quota: \`${limit}\`: allowed ${allowed}, used ${used}` };
  }

  count(hook: PinnedHook, limit: keyof Used, more: number): void {
    this.#of(hook)[limit] += more;
  }

  #of(hook: PinnedHook): Used {
    const used = this.#used.get(hook.name) ?? { files: 0, fileBytes: 0 };
    this.#used.set(hook.name, used);
    return used;
  }
}
