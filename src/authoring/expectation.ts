import { isDeepStrictEqual } from "node:util";
import { canonicalJson } from "../model/canonical.ts";
import { isJsonObject, type Json } from "../model/json.ts";

/** What a hook answered to one question. */
export interface Answer {
  readonly decision?: string;
  readonly rationale?: string;
  /** Why it failed. */
  readonly error?: string;
  readonly payload?: Json;
  readonly events: readonly Json[];
  readonly capsules: readonly Json[];
  readonly approvals: readonly Json[];
}

export interface Expectation {
  readonly decision?: string;
  readonly rationale?: readonly string[];
  readonly error?: string;
  readonly payload?: Json;
  readonly events?: readonly Json[];
  readonly capsules?: readonly Json[];
  readonly approvals?: readonly Json[];
}

/** One thing that came out otherwise; values in words or as JSON. */
export interface Difference {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

/** How an answer differs from what was expected; nothing when it does not. */
export function differences(answer: Answer, expected: Expectation): readonly Difference[] {
  const found: Difference[] = [];
  const add = (what: string, one: string, other: string) => found.push({ what, expected: one, found: other });
  if (expected.error !== undefined) {
    if (answer.error === undefined)
      add("outcome", `an error with ${quoted(expected.error)}`, answer.decision ?? "none");
    else if (!answer.error.includes(expected.error))
      add("error", `contains ${quoted(expected.error)}`, quoted(answer.error));
  } else if (answer.error !== undefined) {
    add("outcome", expected.decision ?? "an answer", `failed: ${answer.error}`);
    return found;
  } else if (answer.decision !== expected.decision) {
    add(
      "decision",
      expected.decision ?? "none, and an error",
      `${answer.decision}, since ${quoted(answer.rationale ?? "")}`,
    );
  }
  for (const text of expected.rationale ?? []) {
    if (!answer.rationale?.includes(text)) add("rationale", `contains ${quoted(text)}`, quoted(answer.rationale ?? ""));
  }
  if (expected.payload !== undefined) compare("payload", expected.payload, answer.payload, add);
  for (const list of ["events", "capsules", "approvals"] as const)
    compare(list, expected[list] ?? [], answer[list], add);
  return found;
}

type Add = (what: string, expected: string, found: string) => void;

/** Names the innermost places that differ, so that a long payload is not shown for one letter. */
function compare(path: string, expected: Json | undefined, found: Json | undefined, add: Add): void {
  if (isDeepStrictEqual(expected, found)) return;
  const isList = Array.isArray(expected) && Array.isArray(found);
  if (!isList && !(isJsonObject(expected) && isJsonObject(found))) {
    add(path, shown(expected), shown(found));
    return;
  }
  const [one, other] = [{ ...(expected as object) }, { ...(found as object) }] as Record<string, Json | undefined>[];
  for (const key of new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})])) {
    compare(isList ? `${path}[${key}]` : `${path}.${key}`, one?.[key], other?.[key], add);
  }
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function shown(value: Json | undefined): string {
  return value === undefined ? "nothing" : canonicalJson(value);
}
