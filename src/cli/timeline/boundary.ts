import type { Json, JsonObject } from "../../model/json.ts";
import { fields, type Liner, listOf, objectOf, short, type TimelineLine, text } from "./line.ts";

/** The lines of one boundary: what it was about, what the hooks said, what came of it. */
export function boundaryLines(body: JsonObject, line: Liner): readonly TimelineLine[] {
  const phase = text(body.phase);
  const payload = objectOf(body.payload);
  const blocked = body.decision === "block";
  return [
    ...opening(phase, body, payload, line),
    ...(blocked ? [] : subjectLines(phase, payload, body, line)),
    ...redactionLines(body, line),
    ...verdictLines(body, line),
    ...listOf(body.capsules).map((capsule) => writtenLine(objectOf(capsule), "writes capsule", line)),
    ...listOf(body.approvals).map((approval) => {
      const { hook, request } = objectOf(approval);
      return line("!", "warn", `${text(hook)} demands an approval: ${short(text(request), 200)}`);
    }),
    ...(blocked ? [line("✗", "bad", `${about(phase, body)} blocked: ${text(body.reason)}`)] : []),
  ];
}

function opening(phase: string, body: JsonObject, payload: JsonObject, line: Liner): TimelineLine[] {
  if (phase === "pre-plan") return [line("", "strong", `step ${text(body.step)}`)];
  if (phase === "state-transition" && payload.from === "pending") {
    const agent = objectOf(payload.agent);
    const digest = text(agent.blueprint).slice(0, "sha256:".length + 12);
    return [line("·", "dim", `agent ${text(agent.name)} ${text(agent.version)}, blueprint ${digest}`)];
  }
  return [];
}

function subjectLines(phase: string, payload: JsonObject, body: JsonObject, line: Liner): TimelineLine[] {
  switch (phase) {
    case "pre-plan":
      return [line("·", "dim", `goal: ${text(payload.goal)}`, Number(payload.step) > 1)];
    case "post-receive":
      return spokenLines(payload, line);
    case "pre-tool":
      return [line("✓", "dim", `${about(phase, body)} ${allowedBy(body)}`)];
    case "post-tool":
      return [resultLine(payload, line)];
    case "spawn": {
      const child = objectOf(payload.child);
      return [line("⑂", "accent", `spawns ${text(child.name)} ${text(child.version)}: ${text(payload.goal)}`)];
    }
    default:
      return [];
  }
}

function spokenLines(payload: JsonObject, line: Liner): TimelineLine[] {
  const said = text(payload.text).trim();
  const words = said === "" ? [] : said.split("\n").map((part) => line("│", "plain", part));
  const calls = listOf(payload.toolCalls).map(objectOf);
  return [
    ...words,
    ...calls.map((call) => line("→", "accent", `${text(call.tool)} ${argumentsOf(call)}`.trimEnd())),
    ...(payload.finish === "length" ? [line("!", "warn", "the model stopped at its output limit")] : []),
  ];
}

function argumentsOf(call: JsonObject): string {
  if (call.arguments === undefined) return short(text(call.raw), 100);
  return fields(call.arguments);
}

function resultLine(payload: JsonObject, line: Liner): TimelineLine {
  const { tool } = objectOf(payload.call);
  const result = objectOf(payload.result);
  return result.ok === true
    ? line("←", "dim", `${text(tool)}: ${short(text(result.value), 100)}`)
    : line("←", "warn", `${text(tool)} failed: ${text(result.code)}: ${text(result.message)}`);
}

function redactionLines(body: JsonObject, line: Liner): TimelineLine[] {
  return listOf(body.events)
    .map(objectOf)
    .map((event) =>
      event.kind === "redaction"
        ? line("◆", "warn", `${text(event.hook)} redacted in ${about(text(body.phase), body)}: ${fields(event.data)}`)
        : writtenLine({ ...event, value: event.data ?? null }, "reports", line),
    );
}

function writtenLine(event: JsonObject, verb: string, line: Liner): TimelineLine {
  return line("·", "dim", `${text(event.hook)} ${verb} ${text(event.kind)}: ${short(text(event.value), 200)}`, true);
}

function verdictLines(body: JsonObject, line: Liner): TimelineLine[] {
  const chain = [...listOf(body.verdicts), ...listOf(body.audit)].map(objectOf);
  const lines = chain.map((verdict) => verdictLine(verdict, line));
  const permission = objectOf(body.permission);
  if (body.permission === undefined) return lines;
  const answer = permission.allow === true ? "allow" : "block";
  const rule = `${text(permission.rule)}: ${text(permission.reason)}`;
  return [line("·", answer === "allow" ? "dim" : "bad", `permission: ${answer}: ${rule}`, true), ...lines];
}

/** What let an effect through: every hook with its rationale, or the permission alone. */
function allowedBy(body: JsonObject): string {
  const verdicts = listOf(body.verdicts).map(objectOf);
  const gates = verdicts.filter((verdict) => verdict.decision === "allow");
  if (gates.length === 0) return `allowed by ${text(objectOf(body.permission).rule)}`;
  return `allowed by ${gates.map((gate) => `${text(gate.hook)} (${text(gate.rationale)})`).join(", ")}`;
}

/** A change is news. An `allow` is expected, and what blocked is told by the boundary's reason. */
function verdictLine(verdict: JsonObject, line: Liner): TimelineLine {
  const decision = text(verdict.decision);
  const cause = verdict.cause === undefined ? "" : ` (${text(verdict.cause)})`;
  const why = verdict.rationale === undefined ? "" : `: ${text(verdict.rationale)}`;
  const tone = decision === "allow" ? "dim" : decision === "transform" ? "warn" : "bad";
  return line("·", tone, `${text(verdict.hook)}: ${decision}${cause}${why}`, decision !== "transform");
}

/** What a boundary is about, in words: the tool for a call, else the phase. */
function about(phase: string, body: JsonObject): string {
  const [, tool] = /^\S+ (\S+)$/.exec(text(body.subject as Json | undefined)) ?? [];
  const isCall = phase === "pre-tool" || phase === "post-tool" || phase === "spawn";
  if (!isCall || tool === undefined) return phase;
  return phase === "post-tool" ? `the result of ${tool}` : tool;
}
