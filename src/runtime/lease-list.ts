import { openRecording } from "../journal/recording.ts";
import { InputError } from "../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { type Environment, runFolder } from "./machine.ts";

/** A lease as the journal tells of it, in clear; no key is needed. */
export interface LeaseRow {
  readonly lease: string;
  readonly state: "live" | "expired" | "revoked";
  readonly holder: string;
  readonly issuer: string;
  /** The lease that it came from. */
  readonly parent: string | null;
  /** Where it came from a run above: `<run>/<lease>`. */
  readonly from: string | null;
  /** In canonical form; where a sandboxed hook asked for it, the capability of the policy that it is within. */
  readonly capability: string;
  /** How often it was used. */
  readonly used: number;
  /** What was left when something was last said of it; null where it is not bounded. */
  readonly left: { readonly uses: number | null; readonly bytes: number | null; readonly max: number | null };
  /** When it ends, in ms since the epoch; null for with the run. */
  readonly until: number | null;
  readonly reason: string | null;
}

export interface LeaseList {
  readonly run: string;
  readonly leases: readonly LeaseRow[];
  /** How often something was refused. */
  readonly refused: number;
}

/** Reads a recording or a run's folder to its end. Throws as `openRecording` does. */
export function leasesIn(path: string): LeaseList {
  const rows = new Map<string, LeaseRow>();
  let refused = 0;
  const recording = openRecording(path, ({ entry: { kind, body } }) => {
    if (kind !== "check.lease") return;
    const { lease } = body;
    if (typeof lease === "string") rows.set(lease, after(rows.get(lease), lease, body));
    else refused += 1;
    for (const one of Array.isArray(body.above) ? body.above.filter(isJsonObject) : []) {
      const row = rows.get(String(one.lease));
      if (row !== undefined) rows.set(row.lease, { ...row, left: leftIn(one) });
    }
  });
  recording.close();
  return { run: recording.header.run, leases: [...rows.values()], refused };
}

function after(before: LeaseRow | undefined, lease: string, body: JsonObject): LeaseRow {
  const left = isJsonObject(body.left) ? body.left : {};
  const { event } = body;
  return {
    lease,
    state: event === "revoked" || event === "expired" ? event : (before?.state ?? "live"),
    holder: String(body.holder),
    issuer: String(body.issuer),
    parent: textOrNull(body.parent),
    from: textOrNull(body.from) ?? before?.from ?? null,
    capability: String(body.capability),
    used: (before?.used ?? 0) + (event === "used" && body.bytes === undefined ? 1 : 0),
    left: leftIn(left),
    until: numberOrNull(left.until),
    reason: textOrNull(body.reason),
  };
}

/** Throws `InputError` (`no-such-lease`) unless the journal of the run names the lease. */
export async function mustHaveLease(run: string, lease: string, env: Environment): Promise<void> {
  const { leases } = leasesIn(runFolder(env, run));
  if (leases.some((row) => row.lease === lease)) return;
  const names = leases.map((row) => row.lease).join(", ");
  throw new InputError({
    code: "no-such-lease",
    message: `run \`${run}\` has no lease \`${lease}\`; it has ${names || "none"}`,
    hint: `\`pinion capability list ${run}\` shows them`,
  });
}

function leftIn({ uses, bytes, max }: JsonObject): LeaseRow["left"] {
  return { uses: numberOrNull(uses), bytes: numberOrNull(bytes), max: numberOrNull(max) };
}

function textOrNull(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function numberOrNull(value: Json | undefined): number | null {
  return typeof value === "number" ? value : null;
}
