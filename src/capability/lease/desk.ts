import type { Journal } from "../../model/entry.ts";
import type { JsonObject } from "../../model/json.ts";
import { type Rules, within } from "./rules.ts";
import type { RunLeases } from "./run-leases.ts";
import type { Holder, Lease, Refusal } from "./table.ts";
import { printCapability, readCapability } from "./uri.ts";

export interface LeaseDeskParts {
  readonly journal: Journal;
  /** Names of the hooks of the run. */
  readonly hooks: readonly string[];
  rules(): Rules;
}

type Issued = { readonly ok: string } | Refusal;

const AGENT = "agent";
const NOT_YOURS = "that is no lease of this hook";

/** Where hooks ask for leases and make them, within what the policies let them have. */
export class LeaseDesk {
  readonly #leases: RunLeases;
  readonly #parts: LeaseDeskParts;

  constructor(leases: RunLeases, parts: LeaseDeskParts) {
    this.#leases = leases;
    this.#parts = parts;
  }

  /** A hook asks for a lease for the agent, and has no say in it afterwards. */
  request(hook: string, text: string): Issued {
    return this.#issue({ hook, text, holder: AGENT, lists: this.#parts.rules().request, sandboxed: true });
  }

  mint(hook: string, holder: string, text: string): Issued {
    const known = this.#holder(holder);
    if (known === undefined) return this.#refuse(hook, text, `there is no holder \`${holder}\``);
    return this.#issue({ hook, text, holder: known, lists: this.#parts.rules().mint, sandboxed: false });
  }

  attenuate(hook: string, token: string, text: string): Issued {
    const lease = this.#leases.table.find(token, hook);
    return lease === undefined
      ? this.#refuse(hook, text, NOT_YOURS)
      : this.#derive({ hook, text, lease, holder: lease.holder, event: "attenuated" });
  }

  delegate(hook: string, token: string, holder: string, text: string): Issued {
    const lease = this.#leases.table.find(token, hook);
    const known = this.#holder(holder);
    if (lease === undefined) return this.#refuse(hook, text, NOT_YOURS);
    if (known === undefined) return this.#refuse(hook, text, `there is no holder \`${holder}\``);
    return this.#derive({ hook, text, lease, holder: known, event: "delegated" });
  }

  dispose(hook: string, token: string): Issued {
    this.#leases.tick();
    const lease = this.#leases.table.find(token, hook);
    if (lease === undefined) return this.#refuse(hook, "", NOT_YOURS);
    this.#leases.recordRevoked(this.#leases.table.revoke(lease.name), {
      by: `hook ${hook}`,
      reason: "its maker took it back",
    });
    return { ok: lease.name };
  }

  #issue(wish: {
    readonly hook: string;
    readonly text: string;
    readonly holder: Holder;
    readonly lists: Rules["mint"];
    readonly sandboxed: boolean;
  }): Issued {
    this.#leases.tick();
    const { hook, text, holder, lists, sandboxed } = wish;
    const wanted = readCapability(text);
    if ("wrong" in wanted) return this.#refuse(hook, text, `it is no capability: ${wanted.wrong}`);
    if (this.#parts.rules().above.has(wanted.resource)) {
      return this.#refuse(
        hook,
        text,
        `a run above needs leases for \`${wanted.resource}\`: there is only what it delegates`,
      );
    }
    const found = within(wanted, lists);
    if (found === undefined) return this.#refuse(hook, text, "it goes beyond what the policies let hooks have");
    const { capability } = found;
    const issuer = `hook ${hook}`;
    const lease = this.#leases.table.mint({ holder, issuer, capability, ...(sandboxed ? {} : { keeper: hook }) });
    if ("refused" in lease) return this.#refuse(hook, text, lease.refused);
    // What a sandboxed hook worded has passed no chain; what it is within was worded by the policy.
    this.#leases.record(
      "minted",
      lease,
      sandboxed ? { shown: printCapability(found.bound), more: this.#asked(text) } : {},
    );
    return { ok: sandboxed ? lease.name : this.#leases.table.tokenOf(lease) };
  }

  #derive(wish: {
    readonly hook: string;
    readonly text: string;
    readonly lease: Lease;
    readonly holder: Holder;
    readonly event: "attenuated" | "delegated";
  }): Issued {
    this.#leases.tick();
    const { hook, text, lease, holder, event } = wish;
    const capability = readCapability(text);
    if ("wrong" in capability) return this.#refuse(hook, text, `it is no capability: ${capability.wrong}`);
    const order = { holder, issuer: `hook ${hook}`, keeper: hook, capability, shared: event === "attenuated" };
    const derived = this.#leases.table.derive(lease, order);
    if ("refused" in derived) return this.#refuse(hook, text, derived.refused);
    this.#leases.record(event, derived);
    return { ok: this.#leases.table.tokenOf(derived) };
  }

  /** The hook hears why; the journal commits to what it wanted without showing it. */
  #refuse(hook: string, text: string, told: string): Issued {
    const refused = { refused: "a hook asked for a lease that it may not have" };
    this.#leases.record("minted", refused, { issuer: `hook ${hook}`, more: this.#asked(text) });
    return { refused: told };
  }

  #asked(text: string): JsonObject {
    return { asked: this.#parts.journal.commitment(text) };
  }

  #holder(name: string): Holder | undefined {
    if (name === AGENT) return AGENT;
    const hook = this.#parts.hooks.find((one) => name === `hook:${one}`);
    return hook === undefined ? undefined : `hook:${hook}`;
  }
}
