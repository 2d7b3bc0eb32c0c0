import type { Entry } from "../../model/entry.ts";
import type { JsonObject } from "../../model/json.ts";
import { type Liner, layerName, listOf, objectOf, shortDigest, type TimelineLine, text } from "./line.ts";

/** What a person, or a file of the machine's configuration, said to the run, and when. */
export function controlLine({ body, at }: Entry, line: Liner): TimelineLine {
  const ref = objectOf(body.ref);
  const when = at === undefined || !(Math.abs(at) <= LATEST) ? "" : ` (${new Date(at).toISOString()})`;
  switch (ref.control) {
    case "narrow":
      return line("●", "warn", `policies are stricter by now: ${listOf(ref.layers).map(layerName).join(", ")}${when}`);
    case "distrust":
      return line("✗", "bad", `hook ${text(ref.hook)} is no longer trusted${when}`);
    case "answer":
      return line("●", "warn", `a person answers approval ${text(ref.approval)}${when}`);
  }
  const of = [ref.hook, ref.lease].find((one) => one !== undefined);
  return line("●", "warn", `a person asked: ${text(ref.control)}${of === undefined ? "" : ` ${text(of)}`}${when}`);
}

/** Of what a `Date` can say, in ms. */
const LATEST = 8.64e15;

/** What was taken back is news; what is made and used is for those who ask for everything. */
export function leaseLine(body: JsonObject, line: Liner): TimelineLine {
  const { lease, event, call, holder, issuer, capability, parent, by, reason } = body;
  const about = call === undefined ? "" : ` for ${text(call)}`;
  const why = typeof reason === "string" ? `: ${reason}` : "";
  const who = by === undefined ? "" : ` by ${text(by)}`;
  switch (event) {
    case "revoked":
      return line("●", "warn", `lease ${text(lease)} revoked${who}${why}`);
    case "refused":
      return line("·", "dim", `no lease${about}${typeof issuer === "string" ? ` by ${issuer}` : ""}${why}`, true);
    case "minted":
    case "attenuated":
    case "delegated": {
      const from = typeof parent === "string" ? `, out of ${parent}` : "";
      const made = `lease ${text(lease)} ${event} for ${text(holder)} by ${text(issuer)}${from}: ${text(capability)}`;
      return line("·", "dim", made, true);
    }
  }
  return line("·", "dim", `lease ${text(lease)} ${text(event)}${about}${why}`, true);
}

/** What was asked, of which action; who answered what, and how far the answer goes. */
export function approvalLine(body: JsonObject, line: Liner): TimelineLine {
  const { approval, event, subject, action, by, keys, why, reason } = body;
  const said = [why, reason].find((one) => one !== undefined && one !== "");
  const signers = listOf(keys).map(text);
  const told = [
    `approval ${text(approval)} ${text(event)}`,
    subject === undefined ? "" : ` for ${text(subject)}`,
    event === "approved" ? scopeText(body) : "",
    by === undefined ? "" : ` by ${text(by)}`,
    signers.length === 0 ? "" : `, signed by ${signers.join(", ")}`,
    // What a pattern let through later is another action than the one that was asked about.
    action === undefined || event === "used" ? "" : `, action ${shortDigest(action)}`,
    said === undefined ? "" : `: ${text(said)}`,
  ];
  return line("●", "warn", told.join(""));
}

function scopeText({ scope, pattern }: JsonObject): string {
  switch (scope) {
    case "run":
      return " for the rest of the run";
    case "pattern":
      return ` for all that is \`${text(pattern)}\` in the rest of the run`;
  }
  return ` ${text(scope)}`;
}
