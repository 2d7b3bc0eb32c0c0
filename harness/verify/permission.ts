import {
  type CallFacts,
  canonicalJson,
  isJsonObject,
  type Json,
  type Made,
  type PermissionAgain,
  PinionError,
  type RecordedEntry,
} from "../../src/index.ts";
import { type CheckResult, type EntryCheck, Findings } from "./check.ts";
import { boundaryOf, leasesIn, member, refOf, same } from "./read.ts";

/**
 * Invariant 6: makes every decision of the effective permission again, from the layers that the header and its pins name and from
 * those that were added while the run went on.
 */
export class PermissionCheck implements EntryCheck {
  readonly #found = new Findings("permission");
  readonly #permission: PermissionAgain | undefined;
  readonly #why: string;
  readonly #held = new Set<string>();
  #declared = 0;
  #calls = 0;
  /** A layer was added, and the run has not said so yet. */
  #narrowed: number | undefined;

  constructor(made: Made | undefined, why: string) {
    this.#permission = made?.permission();
    this.#why = why;
  }

  /** Canonical forms of the layers that held at some time. */
  get held(): ReadonlySet<string> {
    return this.#held;
  }

  see(recorded: RecordedEntry): void {
    if (this.#permission === undefined) return;
    const { kind, seq, body } = recorded.entry;
    if (kind === "check.permission") this.#declares(this.#permission, recorded);
    else if (this.#narrowed !== undefined) {
      this.#found.fail("a layer was added, and the run does not say what it may do since", this.#narrowed);
      this.#narrowed = undefined;
    }
    if (kind === "input.control") this.#narrows(this.#permission, refOf(body).layers, seq);
    if (kind === "check.boundary") this.#obliges(this.#permission, recorded);
    if (kind === "check.boundary" && body.phase === "pre-tool") this.#permits(this.#permission, recorded);
  }

  end(): CheckResult {
    const { length } = this.#permission?.layers ?? [];
    const why = this.#permission === undefined ? `no decision was made again: ${this.#why}` : undefined;
    if (why === undefined && this.#declared === 0) this.#found.note("the run stopped before it said what it may do");
    return this.#found.result(`${this.#calls} calls that were let through, decided again by ${length} layers`, why);
  }

  #declares(permission: PermissionAgain, { entry: { seq, body } }: RecordedEntry): void {
    this.#declared += 1;
    this.#narrowed = undefined;
    this.#held.add(canonicalJson(JSON.parse(JSON.stringify(permission.layers)) as Json));
    if (same(body, permission.facts())) return;
    this.#found.fail("what the run says it may do is not what its layers allow", seq);
  }

  #narrows(permission: PermissionAgain, layers: Json | undefined, seq: number): void {
    if (!Array.isArray(layers)) return;
    this.#narrowed = seq;
    try {
      permission.narrow(layers);
    } catch (error) {
      if (!(error instanceof PinionError)) throw error;
      this.#found.fail(error.message, seq);
    }
  }

  /** What an approval is demanded for, by rules and by hooks, whoever gave it. */
  #obliges(permission: PermissionAgain, recorded: RecordedEntry): void {
    const boundary = boundaryOf(recorded);
    if (boundary === undefined || (boundary.decision === "block" && !boundary.pending)) return;
    const { seq, phase, payload, approvals, demands } = boundary;
    const { call, resolution } = phase === "pre-tool" ? (payload ?? {}) : {};
    const isCall = isJsonObject(call) && isJsonObject(call.arguments) && isJsonObject(resolution);
    // What is no call is found where it is permitted.
    if (call !== undefined && !isCall) return;
    const hooks = approvals.map((one) => String(member(one, "hook")));
    const expected = permission.demands(isCall ? { call: call as unknown as CallFacts, resolution } : undefined, hooks);
    if (same([...expected], [...demands])) return;
    const missing = expected.find(({ by }) => !demands.some((demand) => demand.by === by));
    this.#found.fail(
      missing === undefined
        ? "what it says is demanded is not what rules and hooks demand"
        : `\`${missing.by}\` demands an approval, and it does not say so`,
      seq,
    );
  }

  #permits(permission: PermissionAgain, recorded: RecordedEntry): void {
    const boundary = boundaryOf(recorded);
    // What was blocked does not stand in clear.
    if (boundary === undefined || (boundary.decision === "block" && !boundary.pending)) return;
    if (this.#declared === 0) this.#found.fail("the run has not said yet what it may do", boundary.seq);
    this.#calls += 1;
    const { seq, payload } = boundary;
    const leases = leasesIn(boundary);
    const [call, resolution] = [payload?.call, payload?.resolution];
    const { tool, arguments: given } = isJsonObject(call) ? call : {};
    if (typeof tool !== "string" || !isJsonObject(given) || !isJsonObject(resolution)) {
      this.#found.fail("is no call as a kernel writes it", seq);
      return;
    }
    const request = { tool, arguments: given };
    const wrong = permission.invalidArguments(request);
    if (wrong !== undefined) this.#found.fail(`it allows what does not fit the tool \`${tool}\`: ${wrong}`, seq);
    const expected = permission.permit(request, resolution);
    if (!expected.allow) this.#found.fail(`it allows what is not permitted: ${expected.rule}: ${expected.reason}`, seq);
    const named = leases?.length ? `; lease: ${leases.map(({ lease }) => lease).join(", ")}` : "";
    const rule = `${expected.rule}${named}`;
    if (expected.allow && !same({ ...expected, rule }, boundary.permission)) {
      this.#found.fail(`it names another rule than the one that decides: expected ${rule}`, seq);
    }
    const capabilities = leases?.map(({ capability }) => capability);
    const unserved = isAgents(call) ? permission.unserved(request, resolution, capabilities) : undefined;
    if (unserved !== undefined) this.#found.fail(unserved, seq);
  }
}

/** What hooks ask for goes by what they were granted. */
function isAgents(call: Json | undefined): boolean {
  return member(call, "origin") === "model";
}
