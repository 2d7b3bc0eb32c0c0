import type { Journal } from "../model/entry.ts";
import type { JsonObject } from "../model/json.ts";
import { type Answer, type Asker, refuse } from "./refusal.ts";

/** What came of it: a text for the guest, or why it was refused, in its words. What happened stands in the journal. */
export type Issued = { readonly ok: string } | { readonly refused: string };

/** The leases of the run, as hooks may ask for them. `hook`: the name of who asks. */
export interface LeaseDesk {
  /** A lease for the agent. Answers with its name. */
  request(hook: string, capability: string): Issued;
  /** The others answer with a token that only this hook can use. */
  mint(hook: string, holder: string, capability: string): Issued;
  attenuate(hook: string, token: string, capability: string): Issued;
  delegate(hook: string, token: string, holder: string, capability: string): Issued;
  dispose(hook: string, token: string): Issued;
}

const TRUSTED_WORLD = "pinion:hook/trusted-hook@1.0.0";

/** Leases by hostcall: every hook may ask for one, and a trusted one whose world has the calls may make them (C6). */
export function serveLeases(
  call: string,
  request: JsonObject,
  { at, desk, journal }: { readonly at: Asker; readonly desk: LeaseDesk; readonly journal: Journal },
): Answer {
  const { hook } = at;
  const [capability, holder, token] = [request.capability, request.holder, request.lease].map((value) =>
    typeof value === "string" ? value : "",
  ) as [string, string, string];
  if (call === "leases.request") return answerOf(desk.request(hook.name, capability));
  if (hook.tier !== "trusted" || hook.world !== TRUSTED_WORLD) {
    return refuse(journal, at, { call, reason: "only trusted hooks make leases" });
  }
  switch (call) {
    case "minting.mint":
      return answerOf(desk.mint(hook.name, holder, capability));
    case "minting.attenuate":
      return answerOf(desk.attenuate(hook.name, token, capability));
    case "minting.delegate":
      return answerOf(desk.delegate(hook.name, token, holder, capability));
    case "minting.revoke":
      return answerOf(desk.dispose(hook.name, token));
    default:
      return { error: `there is no hostcall \`${call}\`` };
  }
}

function answerOf(issued: Issued): Answer {
  return "refused" in issued ? { error: `denied: ${issued.refused}` } : issued;
}

/** Where there is no run whose leases they could be. */
export function noLeases(): LeaseDesk {
  const refused = (): Issued => ({ refused: "there is no run that the lease could be part of" });
  return { request: refused, mint: refused, attenuate: refused, delegate: refused, dispose: refused };
}
