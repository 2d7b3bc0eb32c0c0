import { isJsonObject, type Json, type JsonObject } from "../../model/json.ts";
import type { PendingApproval } from "../../runtime.ts";
import { visibleLine } from "../visible.ts";

/**
 * What a person is asked to approve, line by line. INVARIANT: nothing of it is left out, and nothing in it can end a line, move the
 * cursor, or hide: text from outside stands behind `│` or in quotes, with everything that is not drawn made visible.
 */
export function approvalLines(pending: PendingApproval): readonly string[] {
  const { demands, requests, scopes, action, expires, expired } = pending;
  const lines = [
    ...row("action", actionName(pending)),
    ...demands.flatMap((demand) => row("demanded", demandText(demand))),
    ...requests.flatMap(({ hook, request }) => valueLines(`hook ${hook} says`, request, "  ")),
    ...actionLines(pending.payload),
    ...row("digest", action),
    ...row("scopes", scopes.join(", ")),
    ...row(
      "expires",
      `${new Date(expires).toISOString()}${expired ? " (expired: nobody answered, which is a denial)" : ""}`,
    ),
  ];
  return lines.some((line) => RIGHT_TO_LEFT.test(line)) ? [...lines, `  note: ${REORDERED}`] : lines;
}

/** Blocks whose letters are written from right to left (UAX #9, `DerivedBidiClass.txt`). */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const REORDERED =
  "there is text here that is written from right to left; a terminal may show its parts in another order";

/** Of a call the tool stands first: its id is text of the model's provider. */
function actionName({ phase, subject, payload }: PendingApproval): string {
  const { call } = payload;
  if (phase !== "pre-tool" || !isJsonObject(call)) return `${phase}: ${subject}`;
  return `${String(call.tool)} (call ${String(call.id)})`;
}

/** The commands that answer it. */
export function answerCommands({ run, approval, demands }: PendingApproval): readonly [approve: string, deny: string] {
  const key = demands.some(({ keys }) => keys.length > 0) ? " --key FILE" : "";
  return [`pinion run approve ${run} ${approval}${key}`, `pinion run deny ${run} ${approval}${key} --reason TEXT`];
}

function demandText({ by, users, keys }: PendingApproval["demands"][number]): string {
  const who = [
    ...(users.length === 0 ? [] : [`to be answered by ${users.join(" or ")}`]),
    ...(keys.length === 0 ? [] : [`to be signed by ${keys.join(" or ")}`]),
  ];
  return who.length === 0 ? by : `${by} (${who.join(", ")})`;
}

/** The payload without what is in all of them. */
function actionLines(payload: JsonObject): readonly string[] {
  const { agent: _, step: __, usage: ___, ...what } = payload;
  const { call, ...rest } = what;
  if (call === undefined || typeof call !== "object" || Array.isArray(call) || call === null) {
    return Object.entries(what).flatMap(([name, value]) => valueLines(name, value, "  "));
  }
  const { arguments: named, origin, taxon } = call as JsonObject;
  return [
    ...valueLines("arguments", named ?? null, "  "),
    ...valueLines("taxon", taxon ?? null, "  "),
    ...valueLines("asked for by", origin ?? null, "  "),
    ...Object.entries(rest).flatMap(([name, value]) => valueLines(name, value, "  ")),
  ];
}

function valueLines(name: string, value: Json, indent: string): readonly string[] {
  const label = `${indent}${visibleLine(name)}:`;
  if (typeof value === "string" && value.includes("\n")) {
    return [label, ...value.split("\n").map((line) => `${indent}  │ ${visibleLine(line)}`)];
  }
  if (Array.isArray(value) && value.some((one) => typeof one === "object" && one !== null)) {
    return [label, ...value.flatMap((one: Json, index) => valueLines(String(index + 1), one, `${indent}  `))];
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return [label, ...Object.entries(value as JsonObject).flatMap(([key, one]) => valueLines(key, one, `${indent}  `))];
  }
  return [`${label} ${visibleLine(JSON.stringify(value))}`];
}

function row(name: string, value: string): readonly string[] {
  return [`  ${name}: ${visibleLine(value)}`];
}

/** As many of the first lines as fit, and what is left in bytes of UTF-8, said in the last line. Nothing is cut silently. */
export function bounded(lines: readonly string[], bytes: number, more: string): readonly string[] {
  const kept: string[] = [];
  let left = bytes;
  for (const line of lines) {
    const size = Buffer.byteLength(line) + 1;
    if (size > left) break;
    left -= size;
    kept.push(line);
  }
  if (kept.length === lines.length) return lines;
  const rest = lines.slice(kept.length).reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
  return [...kept, `  … ${rest} more bytes; ${more}`];
}
