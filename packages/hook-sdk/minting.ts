/**
 * Making leases, as far as `leases.mint` of every policy allows it: for hooks whose manifest says
 * `world: pinion:hook/trusted-hook@1.0.0` and that a trusted key has signed for `mint`. A token is good for nobody but the hook that
 * got it. What the host refuses is an `Error` that may be caught.
 */
import * as minting from "pinion:hook/minting@1.0.0";
import { plainErrors } from "./refusal.ts";

export type Token = string & { readonly lease: true };
export type Holder = "agent" | `hook:${string}`;

export function mint(holder: Holder, capability: string): Token {
  return plainErrors(() => minting.mint(holder, capability)) as Token;
}

/** A narrower one for the same holder; both use the same uses, bytes and rate. */
export function attenuate(lease: Token, capability: string): Token {
  return plainErrors(() => minting.attenuate(lease, capability)) as Token;
}

/** A narrower one for another holder; what it may use can no longer be used of the first one. */
export function delegate(lease: Token, holder: Holder, capability: string): Token {
  return plainErrors(() => minting.delegate(lease, holder, capability)) as Token;
}

/** Takes a lease back, and all that came from it. */
export function revoke(lease: Token): void {
  plainErrors(() => minting.revoke(lease));
}
