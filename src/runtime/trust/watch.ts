import { PinionError } from "../../model/errors.ts";
import { decideTrust } from "../../trust/decide.ts";
import type { Environment } from "../machine.ts";
import { keyringStamp, readKeyring } from "./keyring.ts";
import type { Established, Signed } from "./trust.ts";

/** A hook that is no longer trusted, and why. */
export interface Distrust {
  readonly hook: string;
  readonly reason: string;
}

/**
 * Looks, while a run goes on, whether what was established when it started still holds: keyring and configuration by their stamps,
 * and the clock. What costs anything is done when one of these has changed. Each hook is reported once.
 */
export class TrustWatch {
  readonly #env: Pick<Environment, "configDirs" | "now">;
  readonly #signed = new Map<string, Signed>();
  #stamp: string;
  #at: number;
  #until: number;

  constructor({ signed, at, until, stamp }: Established, env: Pick<Environment, "configDirs" | "now">) {
    this.#env = env;
    for (const one of signed) this.#signed.set(one.hook.name, one);
    this.#stamp = stamp;
    this.#at = at;
    this.#until = until ?? Number.POSITIVE_INFINITY;
  }

  /** About 30 µs when nothing has changed. */
  look(): readonly Distrust[] {
    if (this.#signed.size === 0) return [];
    const stamp = keyringStamp(this.#env);
    this.#at = Math.max(this.#at, this.#env.now());
    if (stamp === this.#stamp && this.#at < this.#until) return [];
    this.#stamp = stamp;
    const found = this.#verify();
    for (const { hook } of found) this.#signed.delete(hook);
    return found;
  }

  #verify(): readonly Distrust[] {
    this.#until = Number.POSITIVE_INFINITY;
    try {
      const keyring = readKeyring(this.#env);
      return [...this.#signed.values()].flatMap(({ hook, signature }): Distrust[] => {
        const trust = decideTrust(hook, signature, { keyring, now: this.#at });
        if (trust.kind === "not-trusted") return [{ hook: hook.name, reason: trust.why }];
        this.#until = Math.min(this.#until, trust.until ?? this.#until);
        return [];
      });
    } catch (error) {
      if (!(error instanceof PinionError)) throw error;
      // Who cannot tell whom to trust trusts nobody.
      return [...this.#signed.keys()].map((hook) => ({ hook, reason: error.message }));
    }
  }
}
