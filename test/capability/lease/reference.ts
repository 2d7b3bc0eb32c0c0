import fc from "fast-check";
import { expect } from "vitest";
import type { Capability } from "../../../src/capability/lease/capability.ts";
import {
  type Holder,
  type Lease,
  type LeaseTable,
  MAX_DEPTH,
  type Refusal,
} from "../../../src/capability/lease/table.ts";
import { parseCapability } from "../../../src/capability/lease/uri.ts";

/**
 * What leases mean, said as plainly as possible: a lease is a set of letters that its holder may run, so many times, for so long;
 * everything that happens is kept, and every question goes through all of it.
 */
interface Model {
  readonly holder: Holder;
  readonly letters: string;
  readonly parent: number | null;
  readonly shared: boolean;
  readonly depth: number;
  readonly endsNow: number;
  readonly endsRan: number;
  readonly expires: number;
  /** How often at most, all in all. */
  readonly most: number;
  /** How often it was used, itself or through those that share with it, or given away. */
  spent: number;
  revoked: boolean;
  expired: boolean;
}

export interface Reference {
  readonly leases: Model[];
  now: number;
  ran: number;
}

export interface Real {
  readonly table: LeaseTable;
  now: number;
  ran: number;
}

export const reference = (): Reference => ({ leases: [], now: 0, ran: 0 });

const HOLDERS: readonly Holder[] = ["agent", "hook:x", "hook:y"];

/** The chain from a lease up to the one that was minted. */
function chain(model: Reference, index: number): readonly Model[] {
  const lease = model.leases[index];
  if (lease === undefined) return [];
  return lease.parent === null ? [lease] : [lease, ...chain(model, lease.parent)];
}

/** Those of the chain whose uses a use of the lease is. */
function paying(model: Reference, index: number): readonly Model[] {
  const lease = model.leases[index];
  if (lease === undefined) return [];
  return lease.shared && lease.parent !== null ? [lease, ...paying(model, lease.parent)] : [lease];
}

const isLive = (model: Reference, index: number) => chain(model, index).every((one) => !one.revoked && !one.expired);
const usesLeft = (model: Reference, index: number) =>
  Math.min(...paying(model, index).map(({ most, spent }) => most - spent));

interface Wish {
  readonly holder: Holder;
  readonly letters: string;
  readonly uses: number | undefined;
  readonly expires: number | undefined;
}

/** Every letter is a command of one word; several are an allowlist. */
function capabilityOf({ letters, uses, expires }: Pick<Wish, "letters" | "uses" | "expires">): Capability {
  const constraints = [
    `allow=${[...letters].join(",")}`,
    ...(uses === undefined ? [] : [`uses=${uses}`]),
    ...(expires === undefined ? [] : [`expires=${expires}`]),
  ];
  return parseCapability(`capability://process/*?${constraints.join("&")}`, "here");
}

/** The same must have come of it, and everything must be the same afterwards. */
function agree(model: Reference, { table }: Real): void {
  expect(table.leases.length).toBe(model.leases.length);
  for (const [index, lease] of table.leases.entries()) {
    const one = model.leases[index];
    if (one === undefined) throw new Error("no such lease");
    const state = one.revoked ? "revoked" : one.expired ? "expired" : "live";
    const left = usesLeft(model, index);
    expect({ index, state: lease.state, left: table.left(lease).uses }).toEqual({
      index,
      state,
      left: left === Number.POSITIVE_INFINITY ? null : left,
    });
    expect(table.lacks(lease, { uses: 1, bytes: 0, max: 0 }) === undefined).toBe(isLive(model, index) && left >= 1);
  }
}

type Step = fc.Command<Reference, Real>;
const always = () => true;

const mint = (wish: Wish): Step => ({
  check: always,
  run(model, real) {
    const { holder, letters, uses = Number.POSITIVE_INFINITY, expires = Number.POSITIVE_INFINITY } = wish;
    const made = real.table.mint({ holder, issuer: "a test", capability: capabilityOf(wish) });
    expect("refused" in made).toBe(false);
    const ends = { endsNow: model.now + expires, endsRan: model.ran + expires };
    const fresh = { spent: 0, revoked: false, expired: false };
    model.leases.push({
      holder,
      letters,
      expires,
      parent: null,
      shared: false,
      depth: 0,
      most: uses,
      ...ends,
      ...fresh,
    });
    agree(model, real);
  },
  toString: () => `mint ${JSON.stringify(wish)}`,
});

const derive = (pick: number, shared: boolean, wish: Wish): Step => ({
  check: ({ leases }) => leases.length > 0,
  run(model, real) {
    const index = pick % model.leases.length;
    const [parent, lease] = [model.leases[index], real.table.leases[index]];
    if (parent === undefined || lease === undefined) throw new Error("no such lease");
    const { holder, letters, expires = parent.expires } = wish;
    const left = usesLeft(model, index);
    const uses = wish.uses ?? left;
    const allowed =
      isLive(model, index) &&
      left >= 1 &&
      parent.depth < MAX_DEPTH &&
      [...letters].every((letter) => parent.letters.includes(letter)) &&
      uses <= left &&
      expires <= parent.expires;
    const made = real.table.derive(lease, { holder, issuer: "a test", capability: capabilityOf(wish), shared });
    expect("refused" in made, explain(made)).toBe(!allowed);
    if (allowed) {
      if (!shared && uses !== Number.POSITIVE_INFINITY) for (const one of paying(model, index)) one.spent += uses;
      model.leases.push({
        ...{ holder, letters, expires, parent: index, shared, depth: parent.depth + 1, most: uses },
        endsNow: Math.min(parent.endsNow, model.now + expires),
        endsRan: Math.min(parent.endsRan, model.ran + expires),
        ...{ spent: 0, revoked: false, expired: false },
      });
    }
    agree(model, real);
  },
  toString: () => `${shared ? "attenuate" : "delegate"} ${pick} ${JSON.stringify(wish)}`,
});

function explain(made: Lease | Refusal): string {
  return "refused" in made ? made.refused : `${made.name} was made`;
}

const use = (holder: Holder, letter: string): Step => ({
  check: always,
  run(model, real) {
    const need = { resource: "process", action: "run", path: [letter], deep: false } as const;
    const amount = { uses: 1, bytes: 0, max: 0 };
    const serving = real.table.serving(holder, [need], amount);
    const index = model.leases.findIndex(
      (one, at) =>
        one.holder === holder && one.letters.includes(letter) && isLive(model, at) && usesLeft(model, at) >= 1,
    );
    expect("refused" in serving ? [] : serving.map(({ name }) => name)).toEqual(
      index === -1 ? [] : [`lease-${index + 1}`],
    );
    if (!("refused" in serving)) real.table.use(serving, amount);
    for (const one of paying(model, index)) one.spent += 1;
    agree(model, real);
  },
  toString: () => `${holder} uses ${letter}`,
});

const pass = (now: number, ran: number): Step => ({
  check: always,
  run(model, real) {
    // The clock of the world may go back, which changes nothing.
    real.now += now;
    real.ran += ran;
    model.now = Math.max(model.now, real.now);
    model.ran += ran;
    real.table.advance({ now: real.now, ran: real.ran });
    for (const one of model.leases) {
      if (!one.revoked && (model.now >= one.endsNow || model.ran >= one.endsRan)) one.expired = true;
    }
    agree(model, real);
  },
  toString: () => `${now} ms pass, ${ran} ms of them worked`,
});

const revoke = (pick: number): Step => ({
  check: ({ leases }) => leases.length > 0,
  run(model, real) {
    const index = pick % model.leases.length;
    const ended = new Set(real.table.revoke(`lease-${index + 1}`).map(({ name }) => name));
    const below = model.leases.flatMap((_, at) =>
      chain(model, at).includes(model.leases[index] as Model) && !isOver(model, at) ? [at] : [],
    );
    expect(ended).toEqual(new Set(below.map((at) => `lease-${at + 1}`)));
    for (const at of below) (model.leases[at] as Model).revoked = true;
    agree(model, real);
  },
  toString: () => `revoke ${pick}`,
});

function isOver({ leases }: Reference, at: number): boolean {
  const lease = leases[at];
  return lease === undefined || lease.revoked || lease.expired;
}

/** Everything that can happen to leases, a little of each. */
export function commands(): fc.Arbitrary<Step>[] {
  const holder = fc.constantFrom(...HOLDERS);
  const letters = fc.subarray(["a", "b", "c"], { minLength: 1 }).map((some) => some.join(""));
  const some = (most: number) => fc.option(fc.integer({ min: 1, max: most }), { nil: undefined });
  const wish = fc.record({ holder, letters, uses: some(5), expires: some(25) });
  return [
    wish.map(mint),
    fc.tuple(fc.nat(1000), fc.boolean(), wish).map((parts) => derive(...parts)),
    fc.tuple(fc.nat(1000), fc.boolean(), wish).map((parts) => derive(...parts)),
    fc.tuple(holder, fc.constantFrom("a", "b", "c")).map((parts) => use(...parts)),
    fc.tuple(holder, fc.constantFrom("a", "b", "c")).map((parts) => use(...parts)),
    fc.tuple(fc.integer({ min: -20, max: 20 }), fc.nat(3)).map((parts) => pass(...parts)),
    fc.tuple(fc.nat(15), fc.constant(0)).map((parts) => pass(...parts)),
    fc.nat(1000).map(revoke),
  ];
}
