import { glanceAt } from "../../journal/glance.ts";
import { openRecording } from "../../journal/recording.ts";
import type { Digest } from "../../model/canonical.ts";
import type { Entry } from "../../model/entry.ts";
import { PinionError } from "../../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../model/json.ts";
import { AGREEMENTS, type Agreement } from "../../pipeline/agreement.ts";
import { type Environment, runFolder } from "../machine.ts";
import { agentIn, runNames } from "../runs.ts";

/** Boundaries that are told one by one, of each run. */
const MOST_TOLD = 20;

/** What a component in shadow showed in one run. */
export interface ShadowRun {
  readonly run: string;
  /** `name@version` */
  readonly agent: string;
  /** Boundaries that it was asked at. */
  readonly boundaries: number;
  readonly agreements: Readonly<Record<Agreement, number>>;
  /** Why it failed, after which it was not asked any more. */
  readonly failed: string | null;
  /** The first of those where it would have changed something. */
  readonly changes: readonly ShadowChange[];
}
export interface ShadowChange {
  /** Of the entry in the journal of the run. */
  readonly seq: number;
  readonly phase: string;
  readonly step: number;
  readonly subject: string;
  readonly agreement: Agreement;
}

export interface ShadowRuns {
  readonly runs: readonly ShadowRun[];
  /** Runs whose journals cannot be read, so that nobody knows what it showed in them. */
  readonly unreadable: readonly { readonly run: string; readonly reason: string }[];
}

/**
 * Reads the journals of the runs of this user whose header names a hook, by its manifest or component, for what the component said in
 * shadow; each is verified on the way.
 */
export async function shadowRunsOf(
  { manifest, component }: { readonly manifest: Digest; readonly component: Digest },
  env: Environment,
): Promise<ShadowRuns> {
  const runs: ShadowRun[] = [];
  const unreadable: { run: string; reason: string }[] = [];
  for (const run of await runNames(env)) {
    try {
      const folder = runFolder(env, run);
      const header: JsonObject = glanceAt(folder)?.header ?? {};
      const { shadows, pins } = header;
      if (!names(shadows, "manifest", manifest) && !names(pins, "digest", component)) continue;
      const found = new Found(component);
      const recording = openRecording(folder, ({ entry }) => found.see(entry));
      recording.close();
      if (found.any) runs.push(found.in(run, agentIn(recording.header)));
    } catch (error) {
      if (!(error instanceof PinionError)) throw error;
      unreadable.push({ run, reason: error.message });
    }
  }
  return { runs, unreadable };
}

function names(list: Json | undefined, member: string, digest: Digest): boolean {
  return Array.isArray(list) && list.some((one: Json) => isJsonObject(one) && one[member] === digest);
}

class Found {
  readonly #component: Digest;
  readonly #agreements = { same: 0, "newly-blocked": 0, "newly-allowed": 0, "transforms-differently": 0 };
  readonly #changes: ShadowChange[] = [];
  #boundaries = 0;
  #failed: string | null = null;

  constructor(component: Digest) {
    this.#component = component;
  }

  get any(): boolean {
    return this.#boundaries > 0;
  }

  see({ kind, body, seq }: Entry): void {
    if (kind !== "check.shadow" || body.component !== this.#component) return;
    this.#boundaries += 1;
    if (body.decision === "failed") this.#failed = String(body.cause);
    const agreement = AGREEMENTS.find((one) => one === body.agreement);
    if (agreement === undefined) return;
    this.#agreements[agreement] += 1;
    if (agreement === "same" || this.#changes.length >= MOST_TOLD) return;
    this.#changes.push({ seq, ...placeOf(body), agreement });
  }

  in(run: string, agent: string): ShadowRun {
    const [boundaries, agreements] = [this.#boundaries, this.#agreements];
    return { run, agent, boundaries, agreements, failed: this.#failed, changes: this.#changes };
  }
}

function placeOf({ phase, step, subject }: JsonObject): Pick<ShadowChange, "phase" | "step" | "subject"> {
  return { phase: String(phase), step: Number(step), subject: String(subject) };
}

/** All runs together. */
export function totalOf(runs: readonly ShadowRun[]): Readonly<Record<Agreement | "boundaries" | "failed", number>> {
  const sum = (of: (run: ShadowRun) => number) => runs.reduce((total, run) => total + of(run), 0);
  return {
    boundaries: sum(({ boundaries }) => boundaries),
    same: sum(({ agreements }) => agreements.same),
    "newly-blocked": sum(({ agreements }) => agreements["newly-blocked"]),
    "newly-allowed": sum(({ agreements }) => agreements["newly-allowed"]),
    "transforms-differently": sum(({ agreements }) => agreements["transforms-differently"]),
    failed: sum(({ failed }) => (failed === null ? 0 : 1)),
  };
}
