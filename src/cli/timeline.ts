import type { Entry } from "../model/entry.ts";
import type { JsonObject } from "../model/json.ts";
import { approvalLine, controlLine, leaseLine } from "./timeline/authority.ts";
import { boundaryLines } from "./timeline/boundary.ts";
import {
  fields,
  type Liner,
  layerName,
  listOf,
  objectOf,
  type TimelineLine,
  type Tone,
  text,
} from "./timeline/line.ts";
import { visibleLine } from "./visible.ts";

/** The lines that tell one entry. Pure; takes any body, since a journal of another version may be shown too. */
export function timelineOf(entry: Entry): readonly TimelineLine[] {
  const { body } = entry;
  const line: Liner = (mark, tone, text, minor = false) => ({
    seq: entry.seq,
    mark,
    tone,
    text: visibleLine(text),
    minor,
  });
  const ref = objectOf(body.ref);
  switch (entry.kind) {
    case "check.boundary":
      return boundaryLines(body, line);
    case "check.hooks":
      return hookLines(body, line);
    case "check.refused":
      return [line("✗", "bad", `${text(body.tool)} refused: ${text(body.reason)}`)];
    case "check.state":
      return [line("●", toneOfState(text(body.to)), `${text(body.from)} → ${text(body.to)}: ${text(body.reason)}`)];
    case "check.limit":
      return [line("✗", "bad", `limit ${text(body.limit)}: ${text(body.used)} used, ${text(body.allowed)} allowed`)];
    case "check.end":
      return [line("■", toneOfState(text(body.state)), `${text(body.state)}: ${text(body.reason)}`, true)];
    case "check.context":
      return [line("·", "dim", `context shortened: ${fields(body)}`)];
    case "check.hostcalls":
      return [line("·", "dim", `${text(body.hook)} calls ${text(body.call)}`, true)];
    case "check.intent":
      return [line("·", "dim", `about to ask the world: ${text(body.kind)} ${fields(ref)}`, true)];
    case "check.permission":
      return [line("·", "dim", `permission: ${listOf(body.layers).map(layerName).join(" ∩ ")}`, true)];
    case "check.shadow":
      return [shadowLine(body, line)];
    case "check.lease":
      return [leaseLine(body, line)];
    case "check.approval":
      return [approvalLine(body, line)];
    case "input.start":
      return [line("▶", "strong", `run ${text(ref.run)}`)];
    case "input.fault":
      // That of a shadow is told where its failure is.
      return [line("✗", "bad", `fault: ${fields(ref)}`, ref.shadow !== undefined)];
    case "input.control":
      return [controlLine(entry, line)];
    case "input.model":
    case "input.resolve":
    case "input.tool":
    case "input.file":
    case "input.sleep":
      return [line("·", "dim", `the world answered: ${entry.kind} ${fields(ref)}`, true)];
  }
}

function hookLines(body: JsonObject, line: Liner): TimelineLine[] {
  const hooks = listOf(body.hooks).map(objectOf);
  const failed = hooks.filter((hook) => hook.state !== "ready");
  const names = hooks
    .map(({ hook, version, signer }) => {
      const by = signer === undefined ? "" : ` (trusted, signed by ${text(objectOf(signer).id)})`;
      return `${text(hook)}@${text(version)}${by}`;
    })
    .join(", ");
  return [
    line("·", "dim", `hooks: ${names || "none"}`, Number(body.level) > 0),
    ...failed.map((hook) => line("✗", "bad", `hook ${text(hook.hook)} failed to load: ${text(hook.cause)}`)),
  ];
}

/** News is where the shadow would have changed what came of the boundary, and that it failed. */
function shadowLine(body: JsonObject, line: Liner): TimelineLine {
  const who = `shadow ${text(body.hook)}@${text(body.version)} at ${text(body.phase)}`;
  if (body.decision === "failed")
    return line("◌", "warn", `${who}: failed (${text(body.cause)}); it is not asked again`);
  const agreement = text(body.agreement);
  return line("◌", "dim", `${who}: ${text(body.decision)} (${agreement})`, agreement === "same");
}

function toneOfState(state: string): Tone {
  if (state === "completed") return "good";
  return state === "running" ? "dim" : state === "paused" ? "warn" : "bad";
}
