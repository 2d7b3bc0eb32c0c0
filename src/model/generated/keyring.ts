// Generated from schemas/keyring.v1.json by scripts/generate-types.ts. Do not edit.

/**
 * An Ed25519 public key.
 */
export type PublicKey = string;
/**
 * One line of text.
 */
export type Line = string;
/**
 * A moment, in UTC; a day stands for its first moment.
 */
export type Time = string;

/**
 * Whose signatures make hooks trusted, and for what. `/etc/pinion/keyring.yaml` of the machine and `$XDG_CONFIG_HOME/pinion/keyring.yaml` of the user; it is never read from a project.
 */
export interface Keyring {
  /**
   * The version of this format.
   */
  apiVersion: "pinion.dev/v1";
  /**
   * What this file is.
   */
  kind: "Keyring";
  /**
   * Keys. Where machine and user both have an entry of one key, the machine's counts.
   */
  keys: Key[];
  /**
   * Keys whose signatures no longer count, whenever they were made. Those of machine and user add up.
   *
   * Items: One key.
   */
  revoked: {
    key: PublicKey;
    at: Time;
    reason: Line;
  }[];
}
/**
 * A key and what it may sign for.
 */
export interface Key {
  /**
   * What people and journals call the key.
   */
  id: string;
  key: PublicKey;
  owner: Line;
  from?: Time;
  until?: Time;
  /**
   * Names of the hooks that it may sign; `prefix-*` stands for all that begin so, `*` for all.
   *
   * Items: One name or pattern.
   */
  hooks: string[];
  /**
   * Phases of the hooks that it may sign.
   *
   * Items: One phase.
   */
  phases: (
    "pre-plan" | "pre-send" | "post-receive" | "pre-tool" | "post-tool" | "state-transition" | "spawn" | "audit"
  )[];
  /**
   * What the hooks that it may sign can do: `gate`, `transform` and `observe` by their roles, `mint` leases by the world `trusted-hook`.
   *
   * Items: One power.
   */
  powers: ("gate" | "transform" | "observe" | "mint")[];
  /**
   * The key whose place this one took. The old key's validity ends there.
   */
  rotated?: {
    from: PublicKey;
    /**
     * What the old key signed, as `hook trust rotate` writes it.
     */
    statement: string;
  };
}
