import { openRecording, type Recording } from "../journal/recording.ts";
import type { Demand } from "../model/approval.ts";
import { type Digest, isDigest } from "../model/canonical.ts";
import type { Entry } from "../model/entry.ts";
import { PinionError } from "../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { mustBeRun } from "./begun.ts";
import { type Environment, runFolder } from "./machine.ts";
import { childrenByParent, isOver, rowOf, runNames } from "./runs.ts";

/** An approval that a run waits for, as its journal tells it in clear. */
export interface PendingApproval {
  readonly run: string;
  readonly approval: string;
  /** `name@version` of the agent. */
  readonly agent: string;
  readonly phase: string;
  /** In a few words: the id of a call and its tool, a state. */
  readonly subject: string;
  readonly action: Digest;
  readonly demands: readonly Demand[];
  /** What hooks said for their demand, as the audit let it through. */
  readonly requests: readonly { readonly hook: string; readonly request: Json }[];
  readonly scopes: readonly string[];
  /** ms since the epoch; and whether that has passed: whoever touches the run next finds it denied. */
  readonly expires: number;
  readonly expired: boolean;
  /** The whole payload that was shown to the gates. */
  readonly payload: JsonObject;
}

/** What became of an approval. */
export interface ApprovalNews {
  /** What it is by now: `asked, approved, denied, used, expired, withdrawn`. */
  readonly event: string;
  readonly why: string;
  /** What became of each answer, those that do not count with them, in the order in which the run heard them. */
  readonly answers: readonly JsonObject[];
}

/** What changes nothing of an approval itself. */
const ASIDE: readonly unknown[] = ["refused", "repeated"];
const ANSWERS: readonly unknown[] = ["approved", "denied", "refused"];

/** Reads approvals from entries, one by one. */
class Reader {
  #boundary: Entry | undefined;
  #open: Omit<PendingApproval, "run" | "agent" | "expired"> | undefined;
  readonly news = new Map<string, ApprovalNews>();

  get open(): Omit<PendingApproval, "run" | "agent" | "expired"> | undefined {
    return this.#open;
  }

  hear(entry: Entry): void {
    if (entry.kind === "check.boundary" && entry.body.pending === true) this.#boundary = entry;
    if (entry.kind === "check.end") this.#open = undefined;
    if (entry.kind !== "check.approval") return;
    const { approval, event, why, reason } = entry.body;
    const before = this.news.get(String(approval));
    const answers = [...(before?.answers ?? []), ...(ANSWERS.includes(event) ? [entry.body] : [])];
    const told = [why, reason].find((text) => typeof text === "string");
    const now = { event: String(event), why: String(told ?? "") };
    this.news.set(String(approval), { ...(ASIDE.includes(event) && before !== undefined ? before : now), answers });
    if (event === "asked") this.#open = this.#asked(entry.body);
    else if (!ASIDE.includes(event) && event !== "used") this.#open = undefined;
  }

  #asked({ approval, phase, subject, action, demands, scopes, expires, boundary }: JsonObject) {
    const shown = this.#boundary?.seq === boundary ? this.#boundary?.body : undefined;
    if (!isDigest(action) || typeof expires !== "number") return undefined;
    return {
      approval: String(approval),
      phase: String(phase),
      subject: String(subject),
      action,
      demands: listOf<Demand>(demands),
      requests: listOf<PendingApproval["requests"][number]>(shown?.approvals),
      scopes: listOf<string>(scopes),
      expires,
      payload: isJsonObject(shown?.payload) ? shown.payload : {},
    };
  }
}

/** The approval that a run waits for, if it waits for one. Throws `DamagedError` for a journal that is damaged. */
export function pendingApproval(run: string, env: Environment): PendingApproval | undefined {
  const { state, agent } = rowOf(mustBeRun(run), env);
  // One that was killed before anything of it was on disk has no agent.
  if (isOver(state) || state === "damaged" || agent === "") return undefined;
  const { open } = read(run, env);
  return open && { ...open, run, agent, expired: env.now() >= open.expires };
}

/** What the journal says of each approval. */
export function approvalNews(run: string, env: Environment): ReadonlyMap<string, ApprovalNews> {
  return read(run, env).news;
}

function read(run: string, env: Environment): Reader {
  const recording: Recording = openRecording(runFolder(env, run));
  try {
    const reader = new Reader();
    for (const { entry } of recording.entries()) reader.hear(entry);
    return reader;
  } finally {
    recording.close();
  }
}

/** Those that a run waits for, its own and those of its children. */
export async function approvalsBelow(run: string, env: Environment): Promise<readonly PendingApproval[]> {
  const children = await childrenByParent(env);
  const found: PendingApproval[] = [];
  const visit = (one: string): void => {
    const pending = pendingApproval(one, env);
    if (pending !== undefined) found.push(pending);
    for (const child of children.get(one) ?? []) visit(child);
  };
  visit(run);
  return found;
}

/** Those of all runs that wait, the oldest run first. Runs whose journals are damaged are left out: they wait for more than an answer. */
export async function allApprovals(env: Environment): Promise<readonly PendingApproval[]> {
  return (await runNames(env)).flatMap((run) => {
    const { state } = rowOf(run, env);
    if (state !== "paused" && state !== "pending") return [];
    try {
      return pendingApproval(run, env) ?? [];
    } catch (error) {
      if (error instanceof PinionError) return [];
      throw error;
    }
  });
}

/** The run that a person started and that this one, or one between them, is a child of; itself where nobody waits for it. */
export function topOf(run: string, env: Environment): string {
  const { parent } = rowOf(run, env);
  return parent === null ? run : topOf(parent, env);
}

function listOf<T>(value: Json | undefined): readonly T[] {
  return (Array.isArray(value) ? value : []) as readonly T[];
}
