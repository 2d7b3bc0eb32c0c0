import type { Journal } from "../../model/entry.ts";
import type { JsonObject } from "../../model/json.ts";
import type { DelegatedLease, LeaseFacts, Need } from "../../model/lease.ts";
import type { Permission } from "../../model/tool.ts";
import type { Amount } from "./account.ts";
import { type Capability, covers } from "./capability.ts";
import type { Rules } from "./rules.ts";
import { type Lease, LeaseTable, type Refusal } from "./table.ts";
import { parseCapability, printCapability, readCapability } from "./uri.ts";

export interface RunLeasesParts {
  readonly journal: Journal;
  readonly run: string;
  /** Those of the moment: they grow narrower, never wider. */
  rules(): Rules;
  readonly delegated: readonly DelegatedLease[];
  /** Derives the same unguessable text from the same name in one run. */
  token(name: string): string;
}

/** A call of the agent; see the kernel. */
interface Call {
  readonly id: string;
  readonly needs: readonly Need[];
  readonly bytes: number;
  readonly delegates: readonly string[];
}

interface Taken {
  readonly call: string;
  readonly leases: readonly Lease[];
  permits(need: Need): Permission;
  readonly timeout: number | undefined;
  readonly delegated: readonly DelegatedLease[];
}

const AGENT = "agent";
/** Leases that a denial names at most. */
const MOST_TOLD = 5;

/** The leases of one run: the table, the rules of its layers, and the entries that say what happened. */
export class RunLeases {
  readonly #parts: RunLeasesParts;
  readonly table: LeaseTable;
  /** What journals show instead of a capability that a guest has worded. */
  readonly #shown = new Map<string, string>();
  /** Found to have ended by a question that writes no entries. */
  #unsaid: readonly Lease[] = [];

  constructor(parts: RunLeasesParts) {
    this.#parts = parts;
    this.table = new LeaseTable((name) => parts.token(name));
  }

  begin(): void {
    const { delegated } = this.#parts;
    const rules = this.#parts.rules();
    this.tick();
    for (const { issuer, capability } of rules.grants) {
      const refused = rules.above.has(capability.resource)
        ? { refused: `a run above needs leases for \`${capability.resource}\`: this one has what was delegated to it` }
        : undefined;
      this.record("minted", refused ?? this.table.mint({ holder: AGENT, issuer, capability }), { issuer, capability });
    }
    for (const { lease, capability: text, until, depth, lineage } of delegated) {
      const capability = parseCapability(text, `the header: delegated ${lease}`);
      const issuer = `run ${lineage.at(-1)?.split("/")[0] ?? ""}`;
      const origin = { until: until ?? Number.POSITIVE_INFINITY, depth, lineage };
      const minted = this.table.mint({ holder: AGENT, issuer, capability }, origin);
      this.record("minted", minted, { issuer, capability, more: { from: lineage.at(-1) ?? "" } });
    }
  }

  facts(call: Call): readonly LeaseFacts[] | undefined {
    if (this.#needs(call).length === 0) return undefined;
    const serving = this.#serving(call);
    return "refused" in serving ? [] : serving.map((lease) => this.#factsOf(lease));
  }

  permit(call: Call): Permission | undefined {
    const serving = this.#serving(call);
    if ("refused" in serving) return this.#denied("none", serving);
    const handed = call.delegates.length === 0 ? [] : this.#delegate(this.table.copy(), call);
    if ("refused" in handed) return this.#denied("delegation", handed);
    if (serving.length === 0) return undefined;
    const names = serving.map(({ name }) => name).join(", ");
    return { allow: true, rule: `lease: ${names}`, reason: "a lease covers it" };
  }

  note(call: Call): void {
    this.tick();
    const permission = this.permit(call);
    if (permission?.allow !== false) return;
    this.record("used", { refused: permission.reason }, { more: { call: call.id } });
  }

  take(call: Call): Taken | Refusal {
    this.tick();
    const serving = this.#serving(call);
    if ("refused" in serving) return this.#tooLate(call.id, serving);
    this.table.use(serving, amountOf(call));
    for (const lease of serving) this.record("used", lease, { more: { call: call.id } });
    const handed = this.#delegate(this.table, call);
    if ("refused" in handed) return this.#tooLate(call.id, handed);
    for (const lease of handed) this.record("delegated", lease, { more: { call: call.id } });
    const timeouts = serving.flatMap(({ capability }) => capability.timeout ?? []);
    return {
      call: call.id,
      leases: serving,
      permits: (need) => this.#permits(serving, need),
      timeout: timeouts.length === 0 ? undefined : Math.min(...timeouts),
      delegated: handed.map((lease) => this.#handedOn(lease)),
    };
  }

  ended({ call, leases }: Taken): string | undefined {
    this.tick();
    const refused = this.table.ended(leases);
    return refused === undefined ? undefined : this.#tooLate(call, { refused }).refused;
  }

  /** Its boundary has allowed the call, so nothing else says that it does not happen. */
  #tooLate(call: string, refusal: Refusal): Refusal {
    this.record("used", refusal, { more: { call, allowed: true } });
    return refusal;
  }

  spend({ leases }: Taken, call: string, bytes: number): string | undefined {
    this.tick();
    const bounded = leases.filter((lease) => this.table.left(lease).bytes !== null);
    if (bounded.length === 0) return undefined;
    const enough = this.table.spend(leases, bytes);
    for (const lease of bounded) this.record("used", lease, { more: { call, bytes } });
    return enough ? undefined : `a lease allows fewer bytes than its ${bytes}`;
  }

  revoke({ lease, by, reason }: { readonly lease: string; readonly by: string; readonly reason: string }): void {
    this.tick();
    const roots = lease.includes("/") ? this.table.from(lease).map(({ name }) => name) : [lease];
    this.recordRevoked(
      roots.flatMap((name) => this.table.revoke(name)),
      { by, reason },
    );
  }

  recordRevoked(leases: readonly Lease[], more: JsonObject): void {
    for (const lease of leases) this.record("revoked", lease, { more });
  }

  /** Says what became of a lease, or that something was refused. */
  record(
    event: "minted" | "attenuated" | "delegated" | "used" | "revoked" | "expired",
    of: Lease | Refusal,
    {
      issuer = null,
      capability,
      shown,
      more = {},
    }: {
      readonly issuer?: string | null;
      readonly capability?: Capability;
      /** What is shown instead of the capability. */
      readonly shown?: string | undefined;
      readonly more?: JsonObject;
    } = {},
  ): void {
    const { journal } = this.#parts;
    if ("refused" in of) {
      const asked = shown ?? (capability === undefined ? null : printCapability(capability));
      const nobody = { lease: null, holder: AGENT, issuer, parent: null, left: null };
      journal.check("check.lease", { ...nobody, event: "refused", capability: asked, reason: of.refused, ...more });
      return;
    }
    if (shown !== undefined) this.#shown.set(of.name, shown);
    const { name, holder, parent, until } = of;
    journal.check("check.lease", {
      lease: name,
      event,
      holder,
      issuer: of.issuer,
      parent,
      capability: this.#shownOf(of),
      left: { ...this.table.left(of), until: finite(until.now) },
      ...this.#above(of),
      ...more,
    });
  }

  /** What the agent is told names what it holds, so that it can do what it may do. */
  #denied(rule: "none" | "delegation", { refused }: Refusal): Permission {
    const held = this.table.leases.filter((lease) => lease.holder === AGENT && this.table.ended([lease]) === undefined);
    const names = held.slice(0, MOST_TOLD).map((lease) => `${lease.name} \`${this.#shownOf(lease)}\``);
    const more = held.length > MOST_TOLD ? ` and ${held.length - MOST_TOLD} more` : "";
    const holds = names.length === 0 ? "no lease" : `${names.join(", ")}${more}`;
    return { allow: false, rule: `lease: ${rule}`, reason: `${refused}; the agent holds ${holds}` };
  }

  #shownOf({ name, capability }: Lease): string {
    return this.#shown.get(name) ?? printCapability(capability);
  }

  /** What is left of those that it came from: some of what it uses or was handed is theirs. */
  #above(lease: Lease): JsonObject {
    const above: JsonObject[] = [];
    for (let one = this.table.get(lease.parent ?? ""); one !== undefined; one = this.table.get(one.parent ?? "")) {
      above.push({ lease: one.name, ...this.table.left(one) });
    }
    return above.length === 0 ? {} : { above };
  }

  /** Moves the clock on and says what has ended by it. */
  tick(): void {
    this.#look();
    const ended = this.#unsaid;
    this.#unsaid = [];
    for (const lease of ended) this.record("expired", lease);
  }

  #look(): void {
    const { journal } = this.#parts;
    this.#unsaid = [...this.#unsaid, ...this.table.advance({ now: journal.now(), ran: journal.ran() })];
  }

  /** The part of what a call needs that needs a lease. */
  #needs({ needs }: Call): readonly Need[] {
    return needs.filter(({ resource }) => this.#parts.rules().required.has(resource));
  }

  #serving(call: Call): readonly Lease[] | Refusal {
    this.#look();
    return this.table.serving(AGENT, this.#needs(call), amountOf(call));
  }

  #permits(serving: readonly Lease[], need: Need): Permission {
    const covered =
      !this.#parts.rules().required.has(need.resource) || serving.some((one) => covers(one.capability, need));
    const reason = covered
      ? "a lease covers it"
      : `the lease of the call does not cover this part of \`${need.resource}\``;
    return { allow: covered, rule: "lease: of the call", reason };
  }

  /** Hands capabilities of the agent to the child that a call starts, each from the first of its leases that can spare it. */
  #delegate(table: LeaseTable, { id, delegates }: Call): readonly Lease[] | Refusal {
    const made: Lease[] = [];
    for (const [index, text] of delegates.entries()) {
      const capability = readCapability(text);
      if ("wrong" in capability) return { refused: `leases[${index}] is no capability: ${capability.wrong}` };
      const order = { holder: `child:${id}`, issuer: AGENT, capability, shared: false } as const;
      const reasons: string[] = [];
      const lease = table.leases
        .filter(({ holder, state }) => holder === AGENT && state === "live")
        .map((parent) => () => table.derive(parent, order))
        .reduce<Lease | undefined>((found, derive) => {
          if (found !== undefined) return found;
          const derived = derive();
          if (!("refused" in derived)) return derived;
          reasons.push(derived.refused);
          return undefined;
        }, undefined);
      if (lease === undefined) {
        return { refused: `leases[${index}] is more than the agent holds: ${reasons[0] ?? "it holds no lease"}` };
      }
      made.push(lease);
    }
    return made;
  }

  #handedOn(lease: Lease): DelegatedLease {
    const { uses, bytes, max } = this.table.left(lease);
    const left = this.table.remaining(lease);
    const { expires: _, ...capability } = lease.capability;
    const chain: string[] = [];
    for (let one: Lease | undefined = lease; one !== undefined; one = this.table.get(one.parent ?? ""))
      chain.unshift(one.name);
    return {
      lease: lease.name,
      capability: printCapability({
        ...capability,
        ...(uses === null ? {} : { uses }),
        ...(bytes === null ? {} : { bytes }),
        ...(max === null ? {} : { max }),
        ...(Number.isFinite(left) ? { expires: Math.max(1, left) } : {}),
      }),
      until: finite(lease.until.now),
      depth: lease.depth,
      lineage: [...lease.lineage, ...chain.map((name) => `${this.#parts.run}/${name}`)],
    };
  }

  #factsOf(lease: Lease): LeaseFacts {
    return {
      lease: lease.name,
      capability: printCapability(lease.capability),
      uses: this.table.left(lease).uses,
      expires: finite(lease.until.now),
    };
  }
}

function amountOf({ bytes, needs }: Call): Amount {
  return { uses: 1, bytes, max: needs.some(({ resource }) => resource === "agent") ? 1 : 0 };
}

/** JSON has no infinity. */
function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}
