import { beyond, type Json, type JsonObject, type RecordedEntry, readCapability } from "../../src/index.ts";
import { type CheckResult, type EntryCheck, Findings } from "./check.ts";
import { boundaryOf, intentOf, leasesIn, member } from "./read.ts";

/** A lease as far as the journal has told of it. */
interface Known {
  readonly holder: Json | undefined;
  /** As the journal shows it; what a lease that a hook asked for comes to may be narrower. */
  readonly capability: string;
  readonly parent: string | null;
  readonly ended: string | undefined;
  readonly uses: number | null;
}

/**
 * The books of leases: none is used before it is there, after it or one that it came from has ended, or more often than it allows;
 * none allows more than the one that it came from; and a call that was let through under leases has used them before it is made, each
 * of them the agent's, and for what the gates saw that it allows.
 */
export class LeaseCheck implements EntryCheck {
  readonly #found = new Findings("leases");
  readonly #known = new Map<string, Known>();
  /** By call: the leases that its gates saw, and that it has not used yet. */
  #owed = new Map<string, Set<string>>();
  #step = 0;
  #uses = 0;

  see(recorded: RecordedEntry): void {
    const { kind, seq, body } = recorded.entry;
    if (kind === "check.lease") this.#booked(body, seq);
    if (kind === "check.boundary" && body.phase === "pre-tool") this.#gated(recorded);
    if (kind === "check.intent" && body.kind === "input.tool") this.#announced(recorded);
  }

  end(): CheckResult {
    return this.#found.result(`${this.#known.size} leases, used ${this.#uses} times`);
  }

  #booked(body: JsonObject, seq: number): void {
    const { lease, event, holder, capability, parent, left, call, bytes } = body;
    // What was refused is nobody's.
    if (event === "refused") return;
    const name = String(lease);
    const uses = usesLeft(left);
    if (event === "minted" || event === "attenuated" || event === "delegated") {
      const from = typeof parent === "string" ? parent : null;
      this.#made(name, { holder, capability: String(capability), parent: from, ended: undefined, uses }, seq);
      return;
    }
    const known = this.#known.get(name);
    if (known === undefined) this.#found.fail(`lease \`${name}\` was never made`, seq);
    else if (holder !== known.holder || capability !== known.capability || parent !== known.parent) {
      this.#found.fail(`lease \`${name}\` is not the one that was made`, seq);
    } else if (event === "used") this.#used(name, known, { uses, call, bytes }, seq);
    else if (event === "revoked" || event === "expired") this.#known.set(name, { ...known, ended: event });
    else this.#found.fail(`lease \`${name}\` is said to be \`${String(event)}\``, seq);
  }

  #made(lease: string, made: Known, seq: number): void {
    if (this.#known.has(lease)) this.#found.fail(`lease \`${lease}\` was made before`, seq);
    const ended = made.parent === null ? undefined : this.#endOf(made.parent);
    if (ended !== undefined) this.#found.fail(`lease \`${lease}\` comes from one that ${ended}`, seq);
    const from = made.parent === null ? undefined : this.#known.get(made.parent);
    const wider = from && widerThan(made.capability, from.capability);
    if (wider !== undefined)
      this.#found.fail(`lease \`${lease}\` is more than the one that it comes from: ${wider}`, seq);
    this.#known.set(lease, made);
  }

  #used(
    lease: string,
    known: Known,
    {
      uses,
      call,
      bytes,
    }: { readonly uses: number | null; readonly call: Json | undefined; readonly bytes: Json | undefined },
    seq: number,
  ): void {
    // The bytes of a result are taken when it is there; what has ended meanwhile has let the call through.
    if (bytes === undefined) {
      this.#uses += 1;
      const ended = this.#endOf(lease);
      if (ended !== undefined) this.#found.fail(`lease \`${lease}\` is used, and it ${ended}`, seq);
      if (known.uses !== null && (uses === null || uses < 0 || uses >= known.uses)) {
        this.#found.fail(`lease \`${lease}\` had ${known.uses} uses left, and has ${uses} after one more`, seq);
      }
      this.#owed.get(String(call))?.delete(lease);
    }
    this.#known.set(lease, { ...known, uses });
  }

  /** How a lease, or one that it came from, has ended. */
  #endOf(lease: string): string | undefined {
    const passed = new Set<string>();
    for (let name: string | null = lease; name !== null && !passed.has(name); ) {
      passed.add(name);
      const known: Known | undefined = this.#known.get(name);
      if (known === undefined) return "was never made";
      if (known.ended !== undefined) return `has ${known.ended === "revoked" ? "been revoked" : "expired"}`;
      name = known.parent;
    }
    return undefined;
  }

  #gated(recorded: RecordedEntry): void {
    const boundary = boundaryOf(recorded);
    if (boundary === undefined) return;
    if (boundary.step !== this.#step) this.#owed = new Map();
    this.#step = boundary.step;
    const leases = leasesIn(boundary);
    if (boundary.decision === "block" || leases === undefined) return;
    for (const { lease, capability } of leases) this.#named(lease, capability, boundary.seq);
    const call = member(boundary.payload?.call, "id");
    this.#owed.set(String(call), new Set(leases.map(({ lease }) => lease)));
  }

  #named(lease: string, capability: string, seq: number): void {
    const known = this.#known.get(lease);
    // That is said where it is used.
    if (known === undefined) return;
    if (known.holder !== "agent")
      this.#found.fail(`lease \`${lease}\` is held by \`${String(known.holder)}\`, not the agent`, seq);
    const wider = widerThan(capability, known.capability);
    if (wider !== undefined) this.#found.fail(`it lets through more than lease \`${lease}\` allows: ${wider}`, seq);
  }

  #announced(recorded: RecordedEntry): void {
    const intent = intentOf(recorded);
    const owed = intent && this.#owed.get(String(intent.ref.call));
    if (intent === undefined || owed === undefined || owed.size === 0) return;
    this.#found.fail(`the call has not used the leases that let it through: ${[...owed].join(", ")}`, intent.seq);
  }
}

/** What of a capability goes beyond another, in words. */
function widerThan(text: string, other: string): string | undefined {
  const [narrow, wide] = [readCapability(text), readCapability(other)];
  if ("wrong" in narrow) return `\`${text}\` is no capability: ${narrow.wrong}`;
  if ("wrong" in wide) return `\`${other}\` is no capability: ${wide.wrong}`;
  return beyond(narrow, wide);
}

function usesLeft(left: Json | undefined): number | null {
  const uses = member(left, "uses");
  return typeof uses === "number" ? uses : null;
}
