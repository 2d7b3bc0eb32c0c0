import fc from "fast-check";
import { expect, it } from "vitest";
import { advance, NOTHING_YET } from "../../src/cli/progress.ts";
import { timelineOf } from "../../src/cli/timeline.ts";
import { digestOf } from "../../src/model/canonical.ts";
import { CHECK_KINDS, type Entry, type EntryKind, INPUT_KINDS } from "../../src/model/entry.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { runs, seed } from "../support/property.ts";

function entry(kind: EntryKind, body: JsonObject): Entry {
  return { seq: 7, kind, prev: digestOf(""), body };
}

function boundary(body: JsonObject): Entry {
  const nothing = { verdicts: [], events: [], capsules: [], approvals: [], audit: [] };
  return entry("check.boundary", { step: 2, decision: "allow", ...nothing, ...body });
}

function shown(of: Entry): string[] {
  return timelineOf(of)
    .filter((line) => !line.minor)
    .map((line) => `${line.mark} ${line.text}`.trim());
}

const allow = { hook: "tool-gate", role: "gate", decision: "allow", rationale: "on the list" };
const block = { hook: "tool-gate", role: "gate", decision: "block", rationale: "rm is forbidden" };

it("opens each step", () => {
  expect(shown(boundary({ phase: "pre-plan", subject: "step 2", payload: { step: 2, goal: "g" } }))).toEqual([
    "step 2",
  ]);
});

it("says what the model said and which tools it asks for", () => {
  const payload = { text: "I look.\nThen I write.", toolCalls: [{ tool: "file.read", arguments: { path: "a.js" } }] };
  const lines = shown(boundary({ phase: "post-receive", subject: "1 tool calls", payload }));
  expect(lines).toEqual(["│ I look.", "│ Then I write.", '→ file.read path="a.js"']);
});

it("says where a shadow would have changed something, or failed, and not where it agrees", () => {
  const shadow = { hook: "gate", version: "2.0.0", phase: "pre-tool", decision: "block", agreement: "newly-blocked" };
  expect(shown(entry("check.shadow", shadow))).toEqual(["◌ shadow gate@2.0.0 at pre-tool: block (newly-blocked)"]);
  expect(shown(entry("check.shadow", { ...shadow, agreement: "same" }))).toEqual([]);
  expect(shown(entry("check.shadow", { ...shadow, decision: "failed", cause: "trap" }))).toEqual([
    "◌ shadow gate@2.0.0 at pre-tool: failed (trap); it is not asked again",
  ]);
  expect(shown(entry("input.fault", { ref: { shadow: "sha256:0" } }))).toEqual([]);
});

it("names the hooks that let a call through, with their reasons", () => {
  const lines = shown(boundary({ phase: "pre-tool", subject: "c1 file.read", verdicts: [allow] }));
  expect(lines).toEqual(["✓ file.read allowed by tool-gate (on the list)"]);
});

it("shows a blocked call in red with the reason that names its hook", () => {
  const reason = "hook `tool-gate`: rm is forbidden";
  const of = boundary({ phase: "pre-tool", subject: "c1 process.run", decision: "block", verdicts: [block], reason });
  expect(shown(of)).toEqual([`✗ process.run blocked: ${reason}`]);
  expect(timelineOf(of).find((line) => line.mark === "✗")?.tone).toBe("bad");
});

it("shows what was redacted and where", () => {
  const events = [{ hook: "redact", kind: "redaction", data: { count: 2 } }];
  const payload = { call: { tool: "file.read" }, result: { ok: true, value: { text: "<redacted>" } } };
  const lines = shown(boundary({ phase: "post-tool", subject: "c1 file.read", payload, events }));
  expect(lines).toContain("◆ redact redacted in the result of file.read: count=2");
});

it("keeps every verdict for those who ask for everything", () => {
  const all = timelineOf(boundary({ phase: "pre-plan", subject: "step 2", verdicts: [allow] }));
  expect(all.map((line) => line.text)).toContain("tool-gate: allow: on the list");
});

it("A1 instructions hidden in a tool result: terminal escapes of a result are shown, not obeyed", () => {
  const payload = { call: { tool: "file.read" }, result: { ok: false, code: "x", message: "\u001b]0;owned\u0007" } };
  expect(shown(boundary({ phase: "post-tool", subject: "c1 file.read", payload }))[0]).toContain(
    "\\u{1b}]0;owned\\u{7}",
  );
});

it("takes any body of any kind, since damaged and foreign journals are shown too", () => {
  const kinds: readonly EntryKind[] = [...INPUT_KINDS, ...CHECK_KINDS];
  const phase = fc.constantFrom("pre-plan", "post-receive", "pre-tool", "post-tool", "spawn", "state-transition");
  const body = fc.oneof(
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.record({
      phase,
      payload: fc.jsonValue(),
      verdicts: fc.jsonValue(),
      events: fc.jsonValue(),
      subject: fc.jsonValue(),
    }),
  );
  fc.assert(
    fc.property(fc.constantFrom(...kinds), body, (kind, anything) => {
      const of = entry(kind, anything as JsonObject);
      for (const line of timelineOf(of)) expect(line.text).not.toMatch(/\p{Cc}/u);
      advance(NOTHING_YET, of);
    }),
    { seed, numRuns: runs(500, 50_000) },
  );
});

it("counts blocks, redactions, steps and tokens from the entries", () => {
  const usage = { inputTokens: 10, outputTokens: 5 };
  const events = [{ hook: "redact", kind: "redaction", data: { count: 2 } }];
  const after = [
    boundary({ phase: "pre-tool", subject: "c1 x", decision: "block", payload: {} }),
    boundary({ phase: "post-tool", step: 3, subject: "c1 x", payload: { usage }, events }),
    entry("check.refused", { tool: "y", reason: "no such tool" }),
    entry("check.intent", { kind: "input.model", ref: { model: "a:b" } }),
  ].reduce(advance, NOTHING_YET);
  expect(after).toMatchObject({ blocked: 2, redactions: 2, step: 3, tokens: 15, waiting: "a:b thinks" });
  expect(advance(after, entry("input.model", {})).waiting).toBeUndefined();
});

it("tells which hooks are trusted by whose signature, and when one no longer is", () => {
  const signed = { hook: "tool-gate", version: "1.0.0", tier: "trusted", signer: { id: "alice", key: "ed25519:…" } };
  const sandboxed = { hook: "budget", version: "1.2.0", tier: "sandboxed" };
  const hooks = [signed, sandboxed].map((hook) => ({ ...hook, state: "ready" }));
  expect(shown(entry("check.hooks", { level: 0, hooks }))).toEqual([
    "· hooks: tool-gate@1.0.0 (trusted, signed by alice), budget@1.2.0",
  ]);
  const ref = { control: "distrust", hook: "tool-gate", turn: 1 };
  expect(shown(entry("input.control", { ref }))).toEqual(["✗ hook tool-gate is no longer trusted"]);
});

it("tells who answered an approval, when, of which action, and how far the answer goes", () => {
  const at = Date.UTC(2026, 10, 21, 20, 50);
  const ref = { control: "answer", approval: "a1", turn: 1 };
  expect(shown({ ...entry("input.control", { ref }), at })).toEqual([
    "● a person answers approval a1 (2026-11-21T20:50:00.000Z)",
  ]);
  const action = `sha256:${"4c16".repeat(16)}`;
  const asked = { approval: "a1", event: "asked", subject: "two file.write", action };
  expect(shown(entry("check.approval", asked))).toEqual([
    "● approval a1 asked for two file.write, action sha256:4c164c164c16",
  ]);
  const approved = { approval: "a1", event: "approved", action, by: "alice on /dev/pts/0", keys: [] };
  const lines = [
    { ...approved, scope: "once" },
    { ...approved, scope: "run", keys: ["ed25519:aa"] },
    { ...approved, scope: "pattern", pattern: "out/*" },
  ].flatMap((body) => shown(entry("check.approval", body)));
  expect(lines).toEqual([
    "● approval a1 approved once by alice on /dev/pts/0, action sha256:4c164c164c16",
    "● approval a1 approved for the rest of the run by alice on /dev/pts/0, signed by ed25519:aa, action sha256:4c164c164c16",
    "● approval a1 approved for all that is `out/*` in the rest of the run by alice on /dev/pts/0, action sha256:4c164c164c16",
  ]);
  const denied = { ...approved, event: "denied", reason: "not on a Friday" };
  expect(shown(entry("check.approval", denied))).toEqual([
    "● approval a1 denied by alice on /dev/pts/0, action sha256:4c164c164c16: not on a Friday",
  ]);
});

it("does not say that a call waits when what it needs was denied", () => {
  const of = boundary({
    ...{ phase: "pre-tool", subject: "c1 file.write", decision: "block", pending: true },
    reason: "policy p@1.0.0: approvals.writes demands an approval",
  });
  expect(shown(of)).toEqual(["! file.write is held back: policy p@1.0.0: approvals.writes demands an approval"]);
});

it("tells what a lease lets whom do, who took it back, and which secrets a call was handed", () => {
  const lease = { lease: "lease-2", holder: "child", issuer: "hook:issuer", parent: "lease-1", capability: "c" };
  expect(timelineOf(entry("check.lease", { ...lease, event: "delegated" })).map((line) => line.text)).toEqual([
    "lease lease-2 delegated for child by hook:issuer, out of lease-1: c",
  ]);
  expect(shown(entry("check.lease", { ...lease, event: "revoked", by: "alice", reason: "enough" }))).toEqual([
    "● lease lease-2 revoked by alice: enough",
  ]);
  const payload = { resolution: { secrets: [{ name: "gh-token", as: "environment", to: "GH" }] } };
  const of = boundary({ phase: "pre-tool", subject: "c1 process.run", verdicts: [allow], payload });
  expect(shown(of)).toEqual([
    "✓ process.run allowed by tool-gate (on the list), handed secret gh-token as environment GH",
  ]);
});
