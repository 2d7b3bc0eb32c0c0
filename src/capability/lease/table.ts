import type { Need } from "../../model/lease.ts";
import { Account, type Amount, type Left } from "./account.ts";
import { beyond, type Capability, covers, withConstraints } from "./capability.ts";

/** How deep leases may derive from one another, over all runs, and how many one run may have. */
export const MAX_DEPTH = 16;
export const MAX_LEASES = 1000;

/** Who holds a lease: the agent of the run, one of its hooks, or the child that one of its calls starts. */
export type Holder = "agent" | `hook:${string}` | `child:${string}`;

/** The two clocks of a run, in ms: the time since the epoch, and the time that it was worked on. */
export interface Clock {
  readonly now: number;
  readonly ran: number;
}

/** A live capability. */
export interface Lease {
  /** What people and journals call it: `lease-3`. */
  readonly name: string;
  readonly holder: Holder;
  /** In words: who gave it. */
  readonly issuer: string;
  /** The hook that made it and may dispose of it. */
  readonly keeper: string | null;
  readonly parent: string | null;
  /** Whether what it uses is used of its parent too; otherwise it has taken its part when it was made. */
  readonly shared: boolean;
  readonly depth: number;
  readonly capability: Capability;
  /** When it ends at the latest, by each clock; infinite where it does not. */
  readonly until: Clock;
  /** Leases of the runs above that it came from, as `<run>/<lease>`. */
  readonly lineage: readonly string[];
  readonly account: Account;
  readonly state: "live" | "expired" | "revoked";
}

export interface Refusal {
  readonly refused: string;
}

export interface Order {
  readonly holder: Holder;
  readonly issuer: string;
  readonly keeper?: string;
  readonly capability: Capability;
}

/** From a run above: its end by the clock of the world, and where it came from. */
export interface Origin {
  readonly until: number;
  readonly depth: number;
  readonly lineage: readonly string[];
}

/**
 * The leases of one run. Pure book-keeping: the same orders in the same order give the same answers.
 * INVARIANT: a lease has a parent that was there before it, so there are no cycles; it never allows more than its parent did when it
 * was made, and nothing any more once one that it came from has ended.
 */
export class LeaseTable {
  readonly #token: (name: string) => string;
  readonly #leases = new Map<string, Lease>();
  /** Texts that nobody can guess, for what may be disposed of. */
  readonly #tokens = new Map<string, string>();
  #clock: Clock = { now: 0, ran: 0 };

  /** `token` derives the same unguessable text from the same name in one run, and another in every other run. */
  constructor(token: (name: string) => string) {
    this.#token = token;
  }

  /** To try things out: what is done to the copy is not done here. */
  copy(): LeaseTable {
    const copy = new LeaseTable(this.#token);
    copy.#clock = this.#clock;
    for (const [name, lease] of this.#leases) copy.#leases.set(name, { ...lease, account: lease.account.copy() });
    return copy;
  }

  get leases(): readonly Lease[] {
    return [...this.#leases.values()];
  }

  /** Both clocks only go forward here: one that is set back ends nothing later (C4). Returns the leases that end now. */
  advance({ now, ran }: Clock): readonly Lease[] {
    this.#clock = { now: Math.max(now, this.#clock.now), ran: Math.max(ran, this.#clock.ran) };
    return this.leases
      .filter(({ state }) => state === "live")
      .flatMap((lease) => (this.#isOver(lease) ? [this.#end(lease, "expired")] : []));
  }

  mint({ holder, issuer, keeper, capability }: Order, origin?: Origin): Lease | Refusal {
    const { expires = Number.POSITIVE_INFINITY } = capability;
    const until = { now: this.#clock.now + expires, ran: this.#clock.ran + expires };
    return this.#add({
      holder,
      issuer,
      keeper: keeper ?? null,
      parent: null,
      shared: false,
      depth: origin?.depth ?? 0,
      capability,
      until: { ...until, now: Math.min(until.now, origin?.until ?? Number.POSITIVE_INFINITY) },
      lineage: origin?.lineage ?? [],
      account: Account.of(capability),
    });
  }

  /**
   * A lease from another. What the capability leaves out it has from the parent; what goes beyond it is refused (C1). `shared`:
   * both use the same uses, bytes and rate; otherwise what the new one may use is the parent's no more.
   */
  derive(parent: Lease, order: Order & { readonly shared: boolean }): Lease | Refusal {
    const dead = this.#dead(parent);
    if (dead !== undefined) return { refused: dead };
    const whole = this.#effective(parent);
    if ([whole.uses, whole.bytes, whole.max, whole.rate?.count].includes(0))
      return { refused: `nothing is left of \`${parent.name}\`` };
    const capability = withConstraints(order.capability, whole);
    const wider = beyond(capability, whole);
    if (wider !== undefined) return { refused: `it goes beyond \`${parent.name}\`: ${wider}` };
    const { uses = 0, bytes = 0, max = 0, rate, expires = Number.POSITIVE_INFINITY } = capability;
    const part: Amount = { uses, bytes, max, rate };
    const paying = this.#paying(parent);
    const lack = order.shared ? undefined : firstLack(paying, part, this.#clock.ran);
    if (lack !== undefined) return { refused: lack };
    const { holder, issuer, keeper, shared } = order;
    const added = this.#add({
      holder,
      issuer,
      keeper: keeper ?? null,
      parent: parent.name,
      shared,
      depth: parent.depth + 1,
      capability,
      until: {
        now: Math.min(parent.until.now, this.#clock.now + expires),
        ran: Math.min(parent.until.ran, this.#clock.ran + expires),
      },
      lineage: parent.lineage,
      account: Account.of(capability),
    });
    if (!("refused" in added) && !shared) for (const { account } of paying) account.take(part, this.#clock.ran);
    return added;
  }

  /** Ends a lease and all that came from it, the ones that came from it first. Returns those that were live. */
  revoke(name: string): readonly Lease[] {
    const lease = this.#leases.get(name);
    if (lease === undefined) return [];
    const below = this.leases.filter(({ parent }) => parent === name).flatMap((one) => this.revoke(one.name));
    return lease.state === "live" ? [...below, this.#end(lease, "revoked")] : below;
  }

  /** Those that came from a lease of a run above. */
  from(origin: string): readonly Lease[] {
    return this.leases.filter(({ lineage }) => lineage.includes(origin));
  }

  get(name: string): Lease | undefined {
    return this.#leases.get(name);
  }

  /** The text by which the hook that made a lease disposes of it. */
  tokenOf({ name }: Lease): string {
    const token = this.#token(`lease/${name}`);
    this.#tokens.set(token, name);
    return token;
  }

  /** Undefined for what is no token, and for one that was given to somebody else. */
  find(token: string, keeper: string): Lease | undefined {
    const lease = this.#leases.get(this.#tokens.get(token) ?? "");
    return lease?.keeper === keeper ? lease : undefined;
  }

  /**
   * The leases under which the holder may do all of this at once: for each need the first that was minted and serves. Each is used
   * once, however many needs it serves. Changes nothing.
   */
  serving(holder: Holder, needs: readonly Need[], amount: Amount): readonly Lease[] | Refusal {
    const chosen = new Map<string, Lease>();
    for (const need of needs) {
      const covering = this.leases.filter((lease) => lease.holder === holder && covers(lease.capability, need));
      const lease = covering.find((one) => this.lacks(one, amount) === undefined);
      if (lease === undefined) return { refused: this.#why(need, covering, amount) };
      chosen.set(lease.name, lease);
    }
    return [...chosen.values()];
  }

  /** Why a lease does not serve now, or undefined. */
  lacks(lease: Lease, amount: Amount): string | undefined {
    return this.#dead(lease) ?? firstLack(this.#paying(lease), amount, this.#clock.ran);
  }

  /** Why one of these has ended, itself or one that it came from. */
  ended(leases: readonly Lease[]): string | undefined {
    return leases.map((lease) => this.#dead(lease)).find((why) => why !== undefined);
  }

  /** Takes the amount from each of these, and once from what several of them share. */
  use(leases: readonly Lease[], amount: Amount): void {
    for (const { account } of this.#payingAll(leases)) account.take(amount, this.#clock.ran);
  }

  /** Takes the bytes of a result. False when one of these had too few left. */
  spend(leases: readonly Lease[], bytes: number): boolean {
    return this.#payingAll(leases)
      .map(({ account }) => account.spend(bytes))
      .every(Boolean);
  }

  /** ms until a lease ends by one of the clocks; infinite where it does not. */
  remaining({ until }: Lease): number {
    return Math.min(until.now - this.#clock.now, until.ran - this.#clock.ran);
  }

  /** What is left of a lease, itself and what it shares. */
  left(lease: Lease): Left {
    const all = this.#paying(lease).map(({ account }) => account.left);
    const least = (name: keyof Left): number | null =>
      all.reduce<number | null>(
        (least, { [name]: left }) => (left === null ? least : Math.min(left, least ?? left)),
        null,
      );
    return { uses: least("uses"), bytes: least("bytes"), max: least("max") };
  }

  #add(parts: Omit<Lease, "name" | "state">): Lease | Refusal {
    if (this.#leases.size >= MAX_LEASES) return { refused: `a run has at most ${MAX_LEASES} leases` };
    if (parts.depth > MAX_DEPTH) return { refused: `leases derive from one another ${MAX_DEPTH} times at most` };
    const lease: Lease = { ...parts, name: `lease-${this.#leases.size + 1}`, state: "live" };
    this.#leases.set(lease.name, lease);
    return lease;
  }

  #end(lease: Lease, state: "expired" | "revoked"): Lease {
    const ended: Lease = { ...lease, state };
    this.#leases.set(lease.name, ended);
    return ended;
  }

  #isOver({ until }: Lease): boolean {
    return this.#clock.now >= until.now || this.#clock.ran >= until.ran;
  }

  /** Why a lease allows nothing any more: it or one that it came from has ended. */
  #dead({ name }: Lease): string | undefined {
    for (let lease = this.#leases.get(name); lease !== undefined; lease = this.#leases.get(lease.parent ?? "")) {
      if (lease.state !== "live") return `\`${lease.name}\` is ${lease.state}`;
    }
    return undefined;
  }

  /** Those whose books a use of the lease goes into: its own, and those that it shares. */
  #paying(lease: Lease): readonly Lease[] {
    const parent = lease.shared ? this.#leases.get(lease.parent ?? "") : undefined;
    return parent === undefined ? [lease] : [lease, ...this.#paying(parent)];
  }

  #payingAll(leases: readonly Lease[]): readonly Lease[] {
    return [...new Map(leases.flatMap((lease) => this.#paying(lease)).map((lease) => [lease.name, lease])).values()];
  }

  /** What a lease still allows; its rate as far as it was not handed on. */
  #effective(lease: Lease): Capability {
    const { uses, bytes, max } = this.left(lease);
    const { uses: _, bytes: __, max: ___, rate: ____, ...more } = lease.capability;
    const { rate } = lease.account;
    return {
      ...more,
      ...(uses === null ? {} : { uses }),
      ...(bytes === null ? {} : { bytes }),
      ...(max === null ? {} : { max }),
      ...(rate === null ? {} : { rate }),
    };
  }

  #why({ resource, action }: Need, covering: readonly Lease[], amount: Amount): string {
    const [first] = covering;
    if (first === undefined) return `no lease covers \`${action}\` on this part of \`${resource}\``;
    return this.lacks(first, amount) ?? "";
  }
}

function firstLack(leases: readonly Lease[], amount: Amount, ran: number): string | undefined {
  for (const { name, account } of leases) {
    const lack = account.lacks(amount, ran);
    if (lack !== undefined) return `\`${name}\` has too little: ${lack}`;
  }
  return undefined;
}
