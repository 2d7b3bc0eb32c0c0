import type { JsonObject } from "../../model/json.ts";
import { fields, type Liner, listOf, objectOf, short, shortDigest, type TimelineLine, text } from "./line.ts";

/** The lines of one boundary: what it was about, what the hooks said, what came of it. */
export function boundaryLines(body: JsonObject, line: Liner): readonly TimelineLine[] {
  const phase = text(body.phase);
  const payload = objectOf(body.payload);
  const blocked = body.decision === "block";
  return [
    ...opening(phase, body, payload, line),
    ...eventLines(body, line),
    ...verdictLines(body, line),
    ...listOf(body.capsules).map((capsule) => writtenLine(objectOf(capsule), "writes capsule", line)),
    ...listOf(body.approvals).map((approval) => {
      const { hook, request } = objectOf(approval);
      return line("!", "warn", `${text(hook)} demands an approval: ${short(text(request), 200)}`);
    }),
    ...(body.pending === true
      ? [line("!", "warn", `${about(body)} is held back: ${text(body.reason)}`)]
      : blocked
        ? [line("✗", "bad", `${about(body)} blocked: ${text(body.reason)}`)]
        : subjectLines(phase, payload, body, line)),
  ];
}

function opening(phase: string, body: JsonObject, payload: JsonObject, line: Liner): TimelineLine[] {
  if (phase === "pre-plan") return [line("", "strong", `step ${text(body.step)}`)];
  if (phase === "state-transition" && payload.from === "pending") {
    const agent = objectOf(payload.agent);
    const blueprint = shortDigest(agent.blueprint);
    return [line("·", "dim", `agent ${text(agent.name)} ${text(agent.version)}, blueprint ${blueprint}`)];
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
      return [line("✓", "dim", `${about(body)} ${allowedBy(body)}${handed(payload)}`)];
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
    ? line("←", "dim", `${text(tool)}: ${fields(result.value) || short(text(result.value), 100)}`)
    : line("←", "warn", `${text(tool)} failed: ${text(result.code)}: ${text(result.message)}`);
}

/** What was redacted is told by the verdict of the hook that did it; without one, by its events. */
function eventLines(body: JsonObject, line: Liner): TimelineLine[] {
  const told = listOf(body.verdicts)
    .map(objectOf)
    .filter((verdict) => verdict.decision === "transform");
  return listOf(body.events)
    .map(objectOf)
    .map((event) => {
      if (event.kind !== "redaction") return writtenLine({ ...event, value: event.data ?? null }, "reports", line);
      const what = `${text(event.hook)} redacted in ${about(body)}: ${fields(event.data)}`;
      return line(
        "◆",
        "warn",
        what,
        told.some((verdict) => verdict.hook === event.hook),
      );
    });
}

function writtenLine(event: JsonObject, verb: string, line: Liner): TimelineLine {
  return line("·", "dim", `${text(event.hook)} ${verb} ${text(event.kind)}: ${short(text(event.value), 200)}`, true);
}

function verdictLines(body: JsonObject, line: Liner): TimelineLine[] {
  const chain = [...listOf(body.verdicts), ...listOf(body.audit)].map(objectOf);
  const lines = chain.map((verdict) => verdictLine(verdict, body, line));
  if (body.permission === undefined) return lines;
  const { allow, rule, reason } = objectOf(body.permission);
  const said = `permission: ${allow === true ? "allow" : "block"}: ${text(rule)}: ${text(reason)}`;
  return [line("·", allow === true ? "dim" : "bad", said, true), ...lines];
}

/** A change is news. An `allow` is expected, and what blocked is told by the boundary's reason. */
function verdictLine(verdict: JsonObject, body: JsonObject, line: Liner): TimelineLine {
  const decision = text(verdict.decision);
  const why = verdict.rationale === undefined ? "" : `: ${text(verdict.rationale)}`;
  if (decision === "transform") return line("◆", "warn", `${text(verdict.hook)} changes ${about(body)}${why}`);
  const cause = verdict.cause === undefined ? "" : ` (${text(verdict.cause)})`;
  return line("·", decision === "allow" ? "dim" : "bad", `${text(verdict.hook)}: ${decision}${cause}${why}`, true);
}

/** What let an effect through: every gate with its rationale, or the permission alone. */
function allowedBy(body: JsonObject): string {
  const gates = listOf(body.verdicts)
    .map(objectOf)
    .filter((verdict) => verdict.role === "gate");
  if (gates.length === 0) return `allowed by ${text(objectOf(body.permission).rule)}`;
  return `allowed by ${gates.map((gate) => `${text(gate.hook)} (${text(gate.rationale)})`).join(", ")}`;
}

/** The secrets that go along with a call. */
function handed(payload: JsonObject): string {
  const secrets = listOf(objectOf(payload.resolution).secrets).map(objectOf);
  return secrets.map(({ name, as, to }) => `, handed secret ${text(name)} as ${text(as)} ${text(to)}`).join("");
}

/** What a boundary is about, in words: the tool for a call, else the phase. */
function about(body: JsonObject): string {
  const phase = text(body.phase);
  const [, tool] = /^\S+ (\S+)$/.exec(text(body.subject)) ?? [];
  if (tool === undefined) return phase;
  if (phase === "post-tool") return `the result of ${tool}`;
  return phase === "pre-tool" || phase === "spawn" ? tool : phase;
}
