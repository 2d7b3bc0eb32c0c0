import type { Signer } from "../model/hook.ts";
import { isEnvelopeSignedBy } from "./dsse.ts";
import type { Keyring } from "./keyring.ts";
import { outside, powersOf } from "./scope.ts";
import type { HookSignature, SignedHook } from "./signature.ts";
import { instant } from "./statement.ts";
import { compareVersions } from "./version.ts";

export const DISTRUST_CODES = [
  "other-hook",
  "unknown-key",
  "forged",
  "revoked",
  "rotated",
  "key-not-valid",
  "expired",
  "out-of-scope",
  "older-version",
] as const;
export type DistrustCode = (typeof DISTRUST_CODES)[number];

export type Trust =
  /** `until`: when it ceases to hold if nothing changes, ms since the epoch; null: never. */
  | { readonly kind: "trusted"; readonly signer: Signer; readonly until: number | null }
  | { readonly kind: "not-trusted"; readonly code: DistrustCode; readonly why: string };

/** Clocks of two machines differ: a signature may be from so far in the future, in ms. */
const SKEW_MS = 5 * 60_000;

export interface Circumstances {
  readonly keyring: Keyring;
  /** ms since the epoch. */
  readonly now: number;
  /** The highest version of the hook that was ever trusted here. */
  readonly highest?: string | undefined;
}

/**
 * Whether this signature makes this hook trusted. Only the key that it names is tried. The first thing that speaks against it is the
 * answer, and what does not need the signature to be verified comes before.
 */
export function decideTrust(hook: SignedHook, signature: HookSignature, circumstances: Circumstances): Trust {
  const { keyring, now, highest } = circumstances;
  const no = (code: DistrustCode, why: string): Trust => ({ kind: "not-trusted", code, why });
  const other = difference(hook, signature);
  if (other !== undefined) return no("other-hook", `its signature is about another hook: ${other}`);
  const { keyid, signedAt, expires } = signature;
  const revocation = keyring.revoked.get(keyid);
  const key = keyring.keys.get(keyid);
  const name = key === undefined ? `\`${keyid}\`` : `\`${key.id}\` (${key.owner})`;
  if (revocation !== undefined) {
    const { at, place, reason } = revocation;
    return no("revoked", `its key ${name} was revoked by the ${place}'s keyring on ${at}: ${reason}`);
  }
  if (key === undefined) return no("unknown-key", `it is signed by ${name}, which is in no keyring that counts`);
  if (!isEnvelopeSignedBy(key.key, signature.envelope)) return no("forged", `its signature is not that of ${name}`);
  if (signedAt < key.from || signedAt >= key.until) {
    return no("key-not-valid", `${name} was not valid when the hook was signed, ${instant(signedAt)}`);
  }
  if (key.rotatedTo !== null && now >= key.until)
    return no("rotated", `the key \`${key.rotatedTo}\` took the place of ${name}: sign the hook again with it`);
  if (now < key.from || now >= key.until) return no("key-not-valid", `${name} is not valid at ${instant(now)}`);
  if (signedAt > now + SKEW_MS)
    return no("key-not-valid", `it says that it was signed later than now, ${instant(signedAt)}`);
  if (expires !== null && now >= expires) return no("expired", `its signature expired at ${instant(expires)}`);
  const beyond = outside(key, { ...hook, powers: signature.powers });
  if (beyond !== undefined) return no("out-of-scope", `${name} may not sign for ${beyond}`);
  if (highest !== undefined && compareVersions(hook.version, highest) < 0) {
    return no("older-version", `version \`${highest}\` of it was trusted here, and \`${hook.version}\` is older`);
  }
  const until = Math.min(key.until, expires ?? Number.POSITIVE_INFINITY);
  const signer: Signer = { id: key.id, key: key.key.text };
  return { kind: "trusted", signer, until: Number.isFinite(until) ? until : null };
}

/** What of a hook its signature is not about, in words; undefined when it is about exactly this one. */
export function difference(hook: SignedHook, signature: HookSignature): string | undefined {
  for (const field of ["manifest", "component", "name", "version", "role", "world"] as const) {
    if (hook[field] === signature[field]) continue;
    return `its ${field} is \`${hook[field]}\`, and that of the signature \`${signature[field]}\``;
  }
  if (hook.phases.join() !== signature.phases.join()) return "the phases are not the same";
  const powers = powersOf(hook.role, hook.world);
  return powers.join() === signature.powers.join() ? undefined : "the powers are not those of its role and world";
}
