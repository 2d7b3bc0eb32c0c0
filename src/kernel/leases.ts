import type { DelegatedLease, LeaseFacts, Need } from "../model/lease.ts";
import type { Permission } from "../model/tool.ts";

/** A call of the agent, as leases are asked about it. */
export interface LeasedCall {
  readonly id: string;
  readonly needs: readonly Need[];
  /** Bytes of the arguments as canonical JSON. */
  readonly bytes: number;
  /** Capabilities that it hands to the child that it starts. */
  readonly delegates: readonly string[];
}

/** The leases that serve one call. Their uses have been taken; nobody else has them. */
export interface TakenLeases {
  /** The id of the call. */
  readonly call: string;
  /** Whether something that the call comes upon, such as where a redirect leads, is within them too. Pure. */
  permits(need: Need): Permission;
  /** ms that the call may take; undefined where no lease says. */
  readonly timeout: number | undefined;
  /** What the child is started with. */
  readonly delegated: readonly DelegatedLease[];
}

/**
 * The leases of a run, as the kernel asks about them. Everything is computed from the journal's clock and the order of the calls;
 * whatever happens to a lease is an entry `check.lease`.
 */
export interface Leases {
  /** Mints what the agent holds from the start. Called once, when the run's seed is known. */
  begin(): void;
  /** What gates see of the leases that would serve the call; undefined where none is needed. */
  facts(call: LeasedCall): readonly LeaseFacts[] | undefined;
  /** Undefined where no lease is needed. */
  permit(call: LeasedCall): Permission | undefined;
  /** Says in the journal that no lease serves the call, and why. Before the boundary at which it is denied. */
  note(call: LeasedCall): void;
  /** Takes what the call uses, at once and as a whole. What it cannot have any more is refused, which the journal says. */
  take(call: LeasedCall): TakenLeases | { readonly refused: string };
  /** Why what was taken no longer counts: one of the leases has ended meanwhile. The journal says so. */
  ended(taken: TakenLeases): string | undefined;
  /** Takes the bytes of a result. Undefined, or why it is withheld. */
  spend(taken: TakenLeases, call: string, bytes: number): string | undefined;
  /** A person takes back a lease, or one of a run above, `<run>/<lease>`, and with it all that came from it. */
  revoke(request: { readonly lease: string; readonly by: string; readonly reason: string }): void;
}

/** For a run in which leases mean nothing: a replay without the key takes what they did as recorded. */
export const NO_LEASES: Leases = {
  begin: () => undefined,
  facts: () => undefined,
  permit: () => undefined,
  note: () => undefined,
  take: ({ id }) => ({
    call: id,
    permits: () => ({ allow: true, rule: "", reason: "" }),
    timeout: undefined,
    delegated: [],
  }),
  ended: () => undefined,
  spend: () => undefined,
  revoke: () => undefined,
};
