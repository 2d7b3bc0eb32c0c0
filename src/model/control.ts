import { canonicalJson } from "./canonical.ts";
import type { ApprovalAnswer } from "./entry.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";

/**
 * What may be asked of a live run through its socket: one JSON line each way. `by` says who asks, in words for people. With
 * `wait` the answer comes when the request stands in the run's journal, otherwise as soon as it has been taken.
 */
export type ControlRequest = { readonly by: string; readonly wait: boolean } & (
  | { readonly ask: "pause" | "terminate" }
  | { readonly ask: "rearm" | "revoke"; readonly hook: string; readonly reason: string }
  | {
      readonly ask: "answer";
      readonly approval: string;
      readonly answer: ApprovalAnswer;
      readonly user: string;
      readonly signed?: JsonObject;
    }
  | { readonly ask: "revoke-lease"; readonly lease: string; readonly reason: string }
);

/** `too-late`: the run stopped before it met the request. */
export type ControlAnswer =
  | { readonly ok: { readonly run: string; readonly met: boolean } }
  | { readonly error: { readonly code: ControlRefusal; readonly message: string } };
export type ControlRefusal = "bad-request" | "no-such-hook" | "too-late" | "busy";

/** Bytes of a request or an answer, with its LF. */
export const MAX_CONTROL_LINE = 64 * 1024;
/** Characters of `by` and `hook`, and of `reason`. */
const MAX_NAME = 256;
const MAX_REASON = 4096;
/** Levels of arrays and objects in a request; far fewer than a journal takes. */
const LEVELS = 32;

/** A line that came through a socket. Undefined for anything but a request. */
export function toControlRequest(line: string): ControlRequest | undefined {
  const value = parsed(line);
  if (typeof value !== "object" || value === null) return undefined;
  const { ask, by, wait, ...what } = value as Readonly<Record<string, unknown>>;
  if (!isText(by, MAX_NAME) || typeof wait !== "boolean") return undefined;
  if (ask === "answer") return toAnswerRequest(what, { by, wait });
  const { hook, lease, reason, ...more } = what;
  if (Object.keys(more).length > 0) return undefined;
  if (ask === "pause" || ask === "terminate") {
    return hook === undefined && lease === undefined && reason === undefined ? { ask, by, wait } : undefined;
  }
  if (ask === "revoke-lease") {
    const whole = isText(lease, MAX_NAME) && isText(reason, MAX_REASON) && hook === undefined;
    return whole ? { ask, lease, reason, by, wait } : undefined;
  }
  if (ask !== "rearm" && ask !== "revoke") return undefined;
  return isText(hook, MAX_NAME) && isText(reason, MAX_REASON) && lease === undefined
    ? { ask, hook, reason, by, wait }
    : undefined;
}

function toAnswerRequest(
  { approval, answer, user, signed, ...more }: Readonly<Record<string, unknown>>,
  asking: { readonly by: string; readonly wait: boolean },
): ControlRequest | undefined {
  const known = toApprovalAnswer(answer as Json);
  if (known === undefined || !isText(approval, MAX_NAME) || !isText(user, MAX_NAME)) return undefined;
  if (Object.keys(more).length > 0) return undefined;
  const request = { ask: "answer", approval, answer: known, user, ...asking } as const;
  if (signed === undefined) return request;
  return isJsonObject(signed as Json) ? { ...request, signed: signed as JsonObject } : undefined;
}

/** An answer to an approval; undefined for anything but one. */
export function toApprovalAnswer(value: Json | undefined): ApprovalAnswer | undefined {
  if (!isJsonObject(value)) return undefined;
  const { approve, reason, scope, pattern, ...more } = value;
  if (Object.keys(more).length > 0) return undefined;
  if (approve === false && scope === undefined && pattern === undefined) {
    return isText(reason, MAX_REASON) ? { approve, reason } : undefined;
  }
  if (approve !== true || !(reason === undefined || isText(reason, MAX_REASON))) return undefined;
  const why = reason === undefined ? {} : { reason };
  if (scope === "pattern" && pattern !== undefined) return { approve, scope, pattern, ...why };
  return (scope === "once" || scope === "run") && pattern === undefined ? { approve, scope, ...why } : undefined;
}

/** Only what a journal can hold: what it cannot would end the run. */
function parsed(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    canonicalJson(value, { levels: LEVELS });
    return value;
  } catch {
    return undefined; // the caller says that it is no request
  }
}

function isText(value: unknown, most: number): value is string {
  return typeof value === "string" && value !== "" && value.length <= most && value.isWellFormed();
}
