import { resolve as absolute, dirname, join } from "node:path";
import {
  bodiesOf,
  type Environment,
  type Evidence,
  EXIT,
  type ExitCode,
  evidenceOf,
  type JsonObject,
  type Recording,
  type Verified,
  verifyJournal,
} from "../../src/index.ts";
import { runKeyOf } from "../key.ts";
import { ApprovalCheck } from "./approvals.ts";
import { checkChain, checkCheckpoints } from "./chain.ts";
import { CHECK_NAMES, type CheckName, type CheckResult, type EntryCheck, Findings } from "./check.ts";
import { HookCheck } from "./hooks.ts";
import { LeaseCheck } from "./leases.ts";
import { PayloadCheck } from "./payloads.ts";
import { PermissionCheck } from "./permission.ts";
import { checkPins, checkSignatures } from "./pins.ts";
import { ReceiptCheck } from "./receipts.ts";

export interface VerifyOptions {
  /** File with the run's key; otherwise as `harness replay` finds it. */
  readonly key?: string | undefined;
  /** Further folders with artifacts by digest; `artifacts` beside the recording is always one. */
  readonly artifacts?: readonly string[] | undefined;
  /** Files of checkpoints that were kept elsewhere. */
  readonly checkpoints?: readonly string[] | undefined;
  /** Who may have signed checkpoints besides this user: public keys, or files that hold one. */
  readonly keys?: readonly string[] | undefined;
}

/** What holds of one recording. */
export interface RecordingVerdict {
  readonly file: string;
  readonly run: string;
  /** The run that started it; null for one that a person started. */
  readonly parent: string | null;
  readonly entries: number;
  readonly head: string;
  /** One for each of `CHECK_NAMES`, in that order. */
  readonly checks: readonly CheckResult[];
  readonly exit: ExitCode;
}

/** A recording that was looked at, with what is needed to judge its children. */
export interface Examined {
  readonly file: string;
  readonly header: JsonObject | undefined;
  readonly evidence: Evidence | undefined;
  readonly verified: Verified;
  readonly checks: readonly CheckResult[];
  /** Canonical forms of the layers that held at some time: what a child may have inherited. */
  readonly held: ReadonlySet<string>;
}

/**
 * Proves offline what a recording claims (design, invariants 8 to 11): no hook is executed and nothing is reached. One pass over the
 * entries behind that of the chain; memory does not grow with them. `path`: absolute, of a recording or a run's folder. Throws `InputError` for what is no recording.
 */
export async function examine(path: string, options: VerifyOptions, env: Environment): Promise<Examined> {
  const passed: { header?: JsonObject; evidence?: Evidence; entries?: Pass } = {};
  const begin = async (recording: Recording) => {
    const folders = [join(dirname(path), "artifacts"), ...(options.artifacts ?? []).map((at) => absolute(env.cwd, at))];
    const evidence = await evidenceOf(recording.header, folders, env);
    const key = runKeyOf(recording, path, options.key, env);
    const bodies = key === undefined ? undefined : bodiesOf(recording, key);
    const actions = !["1", "2", "3"].includes(recording.header.kernel);
    const pass = new Pass(evidence, { bodies, actions }, recording);
    Object.assign(passed, { header: recording.header, evidence, entries: pass });
    return (recorded: Parameters<EntryCheck["see"]>[0]) => pass.see(recorded);
  };
  const { checkpoints = [], keys = [] } = options;
  const verified = await verifyJournal({ target: path, checkpoints, keys }, env, begin);
  const whole = verified.state !== "damaged";
  const checks = [
    checkChain(verified),
    checkCheckpoints(verified),
    ...(whole && passed.evidence !== undefined ? [checkPins(passed.evidence), checkSignatures(passed.evidence)] : []),
    ...(whole && passed.entries !== undefined ? passed.entries.results() : []),
  ];
  const { header, evidence, entries } = passed;
  return {
    file: path,
    header: whole ? header : undefined,
    evidence,
    verified,
    checks,
    held: entries?.held ?? new Set(),
  };
}

/** The checks that see every entry. */
class Pass {
  readonly #payloads: PayloadCheck;
  readonly #receipts: ReceiptCheck;
  readonly #permission: PermissionCheck;
  readonly #others: readonly EntryCheck[];
  readonly #complete: boolean;

  constructor(
    { made, why }: Evidence,
    opening: ConstructorParameters<typeof PayloadCheck>[0],
    { complete, header: { run } }: Recording,
  ) {
    this.#payloads = new PayloadCheck(opening);
    this.#receipts = new ReceiptCheck((effect) => this.#payloads.effect(effect));
    this.#permission = new PermissionCheck(made, why);
    this.#others = [
      new HookCheck(made, why),
      this.#permission,
      new LeaseCheck(),
      new ApprovalCheck(run),
      this.#payloads,
    ];
    this.#complete = complete;
  }

  see(recorded: Parameters<EntryCheck["see"]>[0]): void {
    this.#receipts.see(recorded);
    for (const check of this.#others) check.see(recorded);
  }

  get held(): ReadonlySet<string> {
    return this.#permission.held;
  }

  results(): CheckResult[] {
    return [this.#receipts.end(this.#complete), ...this.#others.map((check) => check.end())];
  }
}

/** One verdict; a check that was not reached says why. */
export function verdictOf(examined: Examined, children: CheckResult): RecordingVerdict {
  const { file, header, verified } = examined;
  const made = new Map<CheckName, CheckResult>([...examined.checks, children].map((one) => [one.check, one]));
  const checks = CHECK_NAMES.map(
    (name) =>
      made.get(name) ?? new Findings(name).result("", "the recording is damaged: nothing in it can be believed"),
  );
  return {
    file,
    run: verified.run,
    parent: typeof header?.parent === "string" ? header.parent : null,
    entries: verified.entries,
    head: verified.head,
    checks,
    exit: checks.some(({ result }) => result === "failed") ? EXIT.integrity : EXIT.ok,
  };
}
