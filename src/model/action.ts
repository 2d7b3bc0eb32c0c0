import { canonicalJson, type Digest, digestOf } from "./canonical.ts";
import type { Payloads, PreTool } from "./payload.ts";
import type { Phase } from "./phase.ts";

/**
 * What names an action: what a person approves, what the boundary let through and what the intent announces have one digest.
 * Of a call it is sha256 over the canonical form of the phase, the tool, its arguments, what they resolve to (with everything else
 * that the payload says, such as references of secrets) and who asked for it; of other boundaries it is that of the phase and the payload.
 * Which step it is, what has been used by then, which leases serve it, the id that the model gave to a call, the capsules that are shown
 * at its beginning and the reason that is given for a change of state make no other action of it.
 */
export function actionDigest<P extends Exclude<Phase, "audit">>(phase: P, payload: Payloads[P]): Digest {
  return digestOf(canonicalJson(actionOf(phase, payload)));
}

/** What `actionDigest` is the digest of, as far as it is not in `payload` itself. */
function actionOf<P extends Exclude<Phase, "audit">>(phase: P, payload: Payloads[P]): object {
  const { agent: _, step: __, usage: ___, ...what } = payload;
  if ("reason" in what) return { ...what, reason: "", phase };
  if ("capsules" in what) return { ...what, capsules: {}, phase };
  if (phase !== "pre-tool") return { ...what, phase };
  const { call, leases: ____, ...rest } = what as unknown as PreTool;
  return { ...rest, phase, tool: call.tool, arguments: call.arguments, origin: call.origin };
}
