import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { ApprovalAnswer } from "../../src/model/entry.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { type Answered, type Answering, answerApproval, type RunSummary, resumeRun } from "../../src/runtime.ts";
import type { Lab } from "./lab.ts";

export const ONCE = { approve: true, scope: "once" } as const;
export const FOR_THE_RUN = { approve: true, scope: "run" } as const;
export const DENIED = { approve: false, reason: "not on a Friday" } as const;
const HOUR = 3_600_000;

/** People around the runs of a lab. */
export class Desk {
  readonly #lab: Lab;
  /** ms by which the clock of everybody is ahead. */
  ahead = 0;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  wait(hours: number): void {
    this.ahead += hours * HOUR;
  }

  answer(summary: RunSummary, answer: ApprovalAnswer = ONCE, more: Partial<Answering> = {}): Promise<Answered> {
    const { run, approval } = summary.approvals[0] ?? { run: summary.run, approval: "a1" };
    return answerApproval({ run, approval, answer, by: "alice at her desk", user: "alice", ...more }, this.#env());
  }

  resume({ run }: RunSummary): Promise<RunSummary> {
    return resumeRun({ run, by: "alice", ...this.#lab.watching }, this.#env());
  }

  async answered(summary: RunSummary, answer: ApprovalAnswer = ONCE): Promise<RunSummary> {
    await this.answer(summary, answer);
    return this.resume(summary);
  }

  /** What the journal says of approvals, in its order. */
  async approvals(summary: RunSummary): Promise<readonly JsonObject[]> {
    return (await this.entries(summary)).flatMap(({ kind, body }) => (kind === "check.approval" ? [body] : []));
  }

  async entries({ journal }: RunSummary): Promise<readonly { readonly kind: string; readonly body: JsonObject }[]> {
    const lines = (await readFile(journal, "utf8")).trim().split("\n");
    return lines.map((line) => JSON.parse(line)).filter(({ body }) => body !== undefined);
  }

  /** What a replay says, from the journal alone. */
  async replay({ journal }: RunSummary): Promise<string> {
    return (await this.#lab.replay(dirname(journal))).answer;
  }

  #env() {
    return { ...this.#lab.env, now: () => Date.now() + this.ahead };
  }
}
