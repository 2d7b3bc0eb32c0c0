import { demandOfHook } from "../model/approval.ts";
import type { PinnedHook } from "../model/hook.ts";
import type { ShadowAnswer } from "./shadow.ts";
import type { Watched } from "./shadows.ts";

/** What would be different if a shadow were obeyed: in place of the hook of its name, or beside those that there are. */
export const AGREEMENTS = ["same", "newly-blocked", "newly-allowed", "transforms-differently"] as const;
export type Agreement = (typeof AGREEMENTS)[number];

/**
 * How the boundary would have come out with the shadow in the chain. Undefined for one that failed: that says nothing about
 * its verdicts. A demand for an approval counts as a block unless the one that is there
 * meets what the hook of its name demands.
 */
export function agreementOf(
  { name }: PinnedHook,
  { outcome, calls }: Pick<ShadowAnswer, "outcome" | "calls">,
  { record, original, blocked }: Pick<Watched, "record" | "original" | "blocked">,
): Agreement | undefined {
  if (outcome.kind === "failed") return undefined;
  const demands = calls["request-approval"] !== undefined && !record.met.includes(demandOfHook(name).by);
  const blocks = outcome.decision === "block" || demands;
  const was = blocked || record.decision() === "block";
  const would = blocked || blocks || record.without(name).decision() === "block";
  if (was !== would) return would ? "newly-blocked" : "newly-allowed";
  const obeyed = record.verdicts.find((verdict) => verdict.hook.name === name);
  const makes = outcome.decision === "transform" ? outcome.text : original;
  return would || makes === (obeyed?.text ?? original) ? "same" : "transforms-differently";
}
