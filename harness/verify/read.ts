import {
  canonicalJson,
  type Digest,
  isDigest,
  isJsonObject,
  type Json,
  type JsonObject,
  PHASES,
  type Phase,
  type RecordedEntry,
} from "../../src/index.ts";

/** A boundary as it stands in a recording. */
export interface BoundarySeen {
  readonly seq: number;
  /** sha256 of its line. */
  readonly digest: Digest;
  readonly phase: Phase;
  readonly step: number;
  readonly level: number;
  readonly decision: "allow" | "block";
  readonly verdicts: readonly VerdictSeen[];
  readonly audit: readonly VerdictSeen[];
  readonly permission: JsonObject | undefined;
  /** What hooks asked a person for. */
  readonly approvals: readonly Json[];
  /** Obligations, of hooks and of rules. */
  readonly demands: readonly JsonObject[];
  /** The approval that met them. */
  readonly approval: string | undefined;
  /** Nothing but obligations stands against it; what waits for a person stands in clear. */
  readonly pending: boolean;
  /** What was let through, in clear; of `pre-send` only a few words. */
  readonly payload: JsonObject | undefined;
  /** sha256 of what was let through. */
  readonly payloadDigest: Json | undefined;
  /** Names the action that a call or a spawn was allowed to be. */
  readonly action: Json | undefined;
  /** Commitment to the payload as it was before any hook saw it. */
  readonly input: Json | undefined;
}

export interface VerdictSeen {
  readonly hook: string;
  readonly digest: string;
  readonly role: string;
  readonly tier: string;
  /** The id of the key, of a trusted hook. */
  readonly signer: string | undefined;
  readonly decision: string;
}

/** The announcement of an effect. */
export interface IntentSeen {
  readonly seq: number;
  readonly kind: string;
  readonly ref: JsonObject;
  /** `kind` and canonical `ref`: what its outcome bears, too. */
  readonly about: string;
  readonly receipt: { readonly seq: number; readonly entry: Digest } | undefined;
  readonly body: JsonObject;
}

/** Undefined for what no kernel writes. */
export function boundaryOf({ entry, digest }: RecordedEntry): BoundarySeen | undefined {
  const { phase, step, level, decision, verdicts, audit, permission, approvals, payload, input } = entry.body;
  const { demands, approval, pending } = entry.body;
  const known = PHASES.find((name) => name === phase);
  if (known === undefined || typeof step !== "number" || typeof level !== "number") return undefined;
  if (decision !== "allow" && decision !== "block") return undefined;
  const [said, audited] = [verdictsOf(verdicts), verdictsOf(audit)];
  if (said === undefined || audited === undefined || !Array.isArray(approvals)) return undefined;
  if (permission !== undefined && !isJsonObject(permission)) return undefined;
  return {
    seq: entry.seq,
    digest,
    phase: known,
    step,
    level,
    decision,
    verdicts: said,
    audit: audited,
    permission,
    approvals,
    demands: Array.isArray(demands) ? demands.filter(isJsonObject) : [],
    approval: typeof approval === "string" ? approval : undefined,
    pending: pending === true,
    payload: isJsonObject(payload) ? payload : undefined,
    payloadDigest: entry.body.digest,
    action: entry.body.action,
    input,
  };
}

export function intentOf({ entry: { seq, body } }: RecordedEntry): IntentSeen | undefined {
  const { kind, ref, receipt } = body;
  if (typeof kind !== "string" || !isJsonObject(ref)) return undefined;
  return { seq, kind, ref, about: aboutOf(kind, ref), receipt: receiptOf(receipt), body };
}

/** The leases that serve a call, as its gates saw them; undefined where it needs none. */
export function leasesIn({
  payload,
}: BoundarySeen): readonly { readonly lease: string; readonly capability: string }[] | undefined {
  const leases = payload?.leases;
  if (!Array.isArray(leases)) return undefined;
  return leases.map((one: Json) => ({
    lease: String(member(one, "lease")),
    capability: String(member(one, "capability")),
  }));
}

/** What an input is about, as its intent says it. */
export function aboutOf(kind: string, ref: Json | undefined): string {
  return `${kind} ${canonicalJson(ref ?? null)}`;
}

export function refOf(body: JsonObject): JsonObject {
  return isJsonObject(body.ref) ? body.ref : {};
}

export function member(json: Json | undefined, name: string): Json | undefined {
  return isJsonObject(json) ? json[name] : undefined;
}

export function same(one: Json | undefined, other: Json | undefined): boolean {
  return canonicalJson(one ?? null) === canonicalJson(other ?? null);
}

function receiptOf(json: Json | undefined): IntentSeen["receipt"] {
  if (!isJsonObject(json)) return undefined;
  const { seq, entry } = json;
  return typeof seq === "number" && isDigest(entry) ? { seq, entry } : undefined;
}

function verdictsOf(json: Json | undefined): VerdictSeen[] | undefined {
  if (!Array.isArray(json)) return undefined;
  const verdicts = json.flatMap((one: Json) => {
    const { hook, digest, role, tier, signer, decision } = isJsonObject(one) ? one : {};
    const texts = [hook, digest, role, tier, signer ?? "", decision];
    return texts.every((text) => typeof text === "string")
      ? [{ hook, digest, role, tier, signer, decision } as VerdictSeen]
      : [];
  });
  return verdicts.length === json.length ? verdicts : undefined;
}
