import type { Resource } from "./generated/blueprint.ts";

export type { Resource } from "./generated/blueprint.ts";

/** What a call touches, in the terms of capabilities: a part of a resource, and what is done there. */
export interface Need {
  readonly resource: Resource;
  readonly action: string;
  /** Segments: of a path in the workspace, of a host and the path of its URL, words of a command line, or one name. */
  readonly path: readonly string[];
  /** Whether all below the path is touched as well. */
  readonly deep: boolean;
}

/** A lease as gates see it. */
export interface LeaseFacts {
  /** What people call it. It is no key to anything. */
  readonly lease: string;
  /** In canonical form. */
  readonly capability: string;
  /** How often it may still be used; null for as often as one likes. */
  readonly uses: number | null;
  /** ms since the epoch; null for the whole run. */
  readonly expires: number | null;
}

/** A lease as a child run gets it from the run that spawned it. */
export interface DelegatedLease {
  /** What it is called in the run that delegated it. */
  readonly lease: string;
  /** In canonical form; `expires` says how long it may last from when the child starts. */
  readonly capability: string;
  /** ms since the epoch; null where nothing ends it but the run. */
  readonly until: number | null;
  /** How many leases it came through. */
  readonly depth: number;
  /** It and the leases that it came from, as `<run>/<lease>`: what ends when one of them is revoked. */
  readonly lineage: readonly string[];
}
