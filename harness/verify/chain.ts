import type { Verified } from "../../src/index.ts";
import { type CheckResult, Findings } from "./check.ts";

/** Chain, blobs and end marker, as `pinion journal verify` finds them. */
export function checkChain({ state, message }: Verified): CheckResult {
  const found = new Findings("chain");
  if (state === "damaged") found.fail(message);
  if (state === "incomplete") found.note("it is not complete: whatever is said here holds up to its last whole entry");
  return found.result(message);
}

/** What vouches for the journal from outside of it. */
export function checkCheckpoints({ state, anchor, unanchored, entries, findings, notes }: Verified): CheckResult {
  const found = new Findings("checkpoints");
  if (state !== "damaged") for (const finding of findings) found.fail(finding);
  for (const note of notes) found.note(note);
  if (anchor === null)
    return found.result("tail not anchored", "tail not anchored: there is no checkpoint to be believed");
  const said = `anchored at entry ${anchor.count} by key \`${anchor.key}\``;
  return found.result(unanchored === 0 ? said : `${said}; tail not anchored: ${unanchored} of ${entries} entries`);
}
