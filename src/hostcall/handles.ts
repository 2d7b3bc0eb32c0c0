import type { FileAction, PinnedHook } from "../model/hook.ts";
import type { Json } from "../model/json.ts";
import type { Asker } from "./refusal.ts";

/** What a token stands for: a directory of the workspace, what may be done below it, and whose it is. */
export interface Handle {
  readonly hook: PinnedHook;
  readonly level: number;
  readonly root: string;
  /** Relative to the root, in components that were checked. */
  readonly path: string;
  readonly actions: readonly FileAction[];
}

/**
 * The directory handles of a run: tokens that nobody can guess, each bound to the instance of a hook that it was given to. It is
 * the kernel's book-keeping and not an open directory, so a replay without any files keeps the same one.
 */
export class HandleTable {
  readonly #token: (name: string) => string;
  readonly #handles = new Map<string, Handle>();
  /** Tokens by what they stand for: a directory that is opened again keeps its handle. */
  readonly #tokens = new Map<string, string>();
  readonly #revoked = new Set<string>();
  #granted = 0;

  /** `token` derives the same unguessable text from the same name in one run. */
  constructor(token: (name: string) => string) {
    this.#token = token;
  }

  /** Undefined for what is no token, and for one that was given to somebody else. */
  find(token: Json | undefined, { hook, level }: Asker): Handle | undefined {
    const handle = this.#handles.get(String(token));
    return handle?.hook.name === hook.name && handle.level === level ? handle : undefined;
  }

  /** The token of a directory. The caller has looked whether the hook may have one at all. */
  grant(handle: Handle): string {
    const key = keyOf(handle);
    const known = this.#tokens.get(key);
    if (known !== undefined) return known;
    this.#granted += 1;
    const token = this.#token(`handle/${this.#granted}`);
    this.#handles.set(token, handle);
    this.#tokens.set(key, token);
    return token;
  }

  /** The instance that held these handles is gone; the next one of the hook starts without any. */
  forget(hook: string, level: number): void {
    this.#drop((handle) => handle.hook.name === hook && handle.level === level);
  }

  /** Takes back every handle of a hook, for good. */
  revoke(hook: string): void {
    this.#revoked.add(hook);
    this.#drop((handle) => handle.hook.name === hook);
  }

  isRevoked(hook: string): boolean {
    return this.#revoked.has(hook);
  }

  #drop(which: (handle: Handle) => boolean): void {
    for (const [token, handle] of this.#handles) {
      if (!which(handle)) continue;
      this.#handles.delete(token);
      this.#tokens.delete(keyOf(handle));
    }
  }
}

function keyOf({ hook, level, root, path, actions }: Handle): string {
  return JSON.stringify([hook.name, level, root, path, actions]);
}
