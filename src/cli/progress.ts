import type { Entry } from "../model/entry.ts";
import { listOf, objectOf, text } from "./timeline/line.ts";

/** What a run has come to so far, counted from its entries. */
export interface Progress {
  readonly agent: string;
  readonly state: string;
  readonly step: number;
  readonly blocked: number;
  readonly redactions: number;
  readonly tokens: number;
  /** What it waits for, in words. */
  readonly waiting: string | undefined;
}

export const NOTHING_YET: Progress = {
  agent: "",
  state: "pending",
  step: 0,
  blocked: 0,
  redactions: 0,
  tokens: 0,
  waiting: "starting",
};

/** The progress after one more entry. Pure. */
export function advance(before: Progress, { kind, body }: Entry): Progress {
  switch (kind) {
    case "check.boundary":
      return { ...boundary(before, body), waiting: undefined };
    case "check.refused":
      return { ...before, blocked: before.blocked + 1 };
    case "check.state":
      return { ...before, state: text(body.to) };
    case "check.intent": {
      const ref = objectOf(body.ref);
      return {
        ...before,
        waiting: body.kind === "input.model" ? `${text(ref.model)} thinks` : `${text(ref.tool)} works`,
      };
    }
    default:
      return { ...before, waiting: undefined };
  }
}

function boundary(before: Progress, body: Entry["body"]): Progress {
  const payload = objectOf(body.payload);
  const agent = objectOf(payload.agent);
  const usage = objectOf(payload.usage);
  const redacted = listOf(body.events)
    .map(objectOf)
    .filter((event) => event.kind === "redaction")
    .reduce((sum, event) => sum + numberOf(objectOf(event.data).count), 0);
  return {
    ...before,
    agent: agent.name === undefined ? before.agent : `${text(agent.name)} ${text(agent.version)}`,
    step: Math.max(before.step, numberOf(body.step)),
    blocked: before.blocked + (body.decision === "block" ? 1 : 0),
    redactions: before.redactions + redacted,
    tokens: Math.max(before.tokens, numberOf(usage.inputTokens) + numberOf(usage.outputTokens)),
  };
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
