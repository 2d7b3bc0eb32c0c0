import { type BufferedHostcall, FAILURE_CAUSES, type HookEvent, type HookOutcome, type Loaded } from "../model/hook.ts";
import { isJsonObject, type Json } from "../model/json.ts";
import type { SelfCheck } from "./host/wire.ts";

/**
 * The one place where what a hook host says becomes typed. Undefined for whatever a host does not say: the process is then
 * not to be trusted with anything.
 */
export function asLoaded(head: unknown): Loaded | undefined {
  if (!isJsonObject(head) || head.kind !== "loaded") return undefined;
  const { fuel } = head;
  if (!isCount(fuel)) return undefined;
  if (head.ok === true) return { ok: true, fuel };
  const failure = asFailure(head);
  return head.ok === false && failure ? { ok: false, fuel, ...failure } : undefined;
}

export function asReady(head: unknown): SelfCheck | undefined {
  if (!isJsonObject(head) || head.kind !== "ready") return undefined;
  const { permission, environment, wasmCaps } = head;
  if (typeof permission !== "boolean" || typeof wasmCaps !== "boolean" || !Array.isArray(environment)) return undefined;
  return { permission, wasmCaps, environment: environment.map(String) };
}

export function asEvent(head: unknown, batch: number): HookEvent | undefined {
  if (!isJsonObject(head) || head.batch !== batch) return undefined;
  const { kind, hook, fuel } = head;
  const log = asLog(head.log);
  if (typeof hook !== "string" || !isCount(fuel) || log === undefined) return undefined;
  if (kind === "result") {
    const outcome = asOutcome(head.outcome);
    const saw = typeof head.saw === "string" ? { saw: head.saw } : {};
    return outcome && { kind, hook, outcome, fuel, log, ...saw };
  }
  const { call, arguments: request } = head;
  if (kind !== "hostcall" || typeof call !== "string" || !isJsonObject(request)) return undefined;
  return TRIPS.has(call) ? { kind, hook, call, arguments: request, fuel, log } : undefined;
}

const TRIPS = new Set([
  "request-tool-call",
  "sleep",
  ...["open-root", "open-directory", "list", "stat", "read", "write", "create-directory", "remove", "rename"].map(
    (name) => `files.${name}`,
  ),
  "leases.request",
  ...["mint", "attenuate", "delegate", "revoke"].map((name) => `minting.${name}`),
]);

function asOutcome(value: Json | undefined): HookOutcome | undefined {
  if (!isJsonObject(value)) return undefined;
  const { kind, decision, rationale, payload } = value;
  if (kind === "failed") {
    const failure = asFailure(value);
    return failure && { kind, ...failure };
  }
  if (kind !== "verdict" || typeof rationale !== "string") return undefined;
  if (decision === "transform") return typeof payload === "string" ? { kind, decision, rationale, payload } : undefined;
  if (decision !== "allow" && decision !== "block") return undefined;
  return payload === undefined ? { kind, decision, rationale } : undefined;
}

function asFailure(value: { readonly [key: string]: Json }) {
  const cause = FAILURE_CAUSES.find((name) => name === value.cause);
  const { detail } = value;
  return cause && typeof detail === "string" ? { cause, detail } : undefined;
}

function asLog(value: Json | undefined): readonly BufferedHostcall[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const log: BufferedHostcall[] = [];
  for (const item of value as readonly Json[]) {
    const call = isJsonObject(item) ? asBuffered(item) : undefined;
    if (call === undefined) return undefined;
    log.push(call);
  }
  return log;
}

function asBuffered(item: { readonly [key: string]: Json }): BufferedHostcall | undefined {
  const { call, kind, data, value, request, bytes } = item;
  switch (call) {
    case "emit-event":
      return typeof kind === "string" && data !== undefined ? { call, kind, data } : undefined;
    case "write-capsule":
      return typeof kind === "string" && value !== undefined ? { call, kind, value } : undefined;
    case "request-approval":
      return request === undefined ? undefined : { call, request };
    case "read-capsule":
      return typeof kind === "string" ? { call, kind } : undefined;
    case "random":
      return isCount(bytes) ? { call, bytes } : undefined;
    case "now":
      return { call };
    default:
      return undefined;
  }
}

function isCount(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
