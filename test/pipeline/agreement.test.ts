import { describe, expect, it } from "vitest";
import { agreementOf } from "../../src/pipeline/agreement.ts";
import { BoundaryRecord, type HookVerdict } from "../../src/pipeline/record.ts";
import type { ShadowOutcome } from "../../src/pipeline/shadow.ts";
import { pinnedHook } from "../support/guests.ts";

const bytes = Buffer.from("\0asm");
const gate = pinnedHook(bytes, { name: "gate" });
const ORIGINAL = '{"a":1}';

type Said = Pick<HookVerdict, "decision"> & { readonly name: string; readonly text?: string };

function record(...said: readonly Said[]): BoundaryRecord {
  const made = new BoundaryRecord({ phase: "pre-tool", step: 1, subject: "c1 file.write" });
  for (const { name, decision, text } of said) {
    const hook = pinnedHook(bytes, { name });
    made.verdicts.push({ hook, decision, rationale: "", calls: [], ...(text === undefined ? {} : { text }) });
  }
  return made;
}

const verdict = (decision: "allow" | "block"): ShadowOutcome => ({ kind: "verdict", decision, rationale: "" });
const transform = (text: string): ShadowOutcome => ({ kind: "verdict", decision: "transform", rationale: "", text });

function agreement(
  outcome: ShadowOutcome,
  said: readonly Said[],
  more: { blocked?: boolean; calls?: Record<string, number> } = {},
) {
  const { blocked = false, calls = {} } = more;
  return agreementOf(gate, { outcome, calls }, { record: record(...said), original: ORIGINAL, blocked });
}

describe("a shadow beside a chain", () => {
  it("agrees where it changes nothing", () => {
    expect(agreement(verdict("allow"), [])).toBe("same");
    expect(agreement(verdict("allow"), [{ name: "other", decision: "block" }])).toBe("same");
    expect(agreement(verdict("block"), [{ name: "other", decision: "block" }])).toBe("same");
    expect(agreement(verdict("block"), [], { blocked: true })).toBe("same");
  });

  it("blocks newly what nobody else blocks, also where it only demands an approval", () => {
    expect(agreement(verdict("block"), [{ name: "other", decision: "allow" }])).toBe("newly-blocked");
    expect(agreement(verdict("allow"), [], { calls: { "request-approval": 1 } })).toBe("newly-blocked");
  });

  it("allows newly what only the hook of its name blocks or failed at", () => {
    expect(agreement(verdict("allow"), [{ name: "gate", decision: "block" }])).toBe("newly-allowed");
    expect(agreement(verdict("allow"), [{ name: "gate", decision: "failed" }])).toBe("newly-allowed");
    const both = [
      { name: "gate", decision: "block" },
      { name: "other", decision: "block" },
    ] as const;
    expect(agreement(verdict("allow"), both)).toBe("same");
    expect(agreement(verdict("allow"), [{ name: "gate", decision: "block" }], { blocked: true })).toBe("same");
  });

  it("allows nothing newly that the permission denies, or another's approval is awaited for", () => {
    const denied = record({ name: "gate", decision: "block" });
    denied.permission = { allow: false, rule: "r", reason: "no" };
    const about = { original: ORIGINAL, blocked: false };
    expect(agreementOf(gate, { outcome: verdict("allow"), calls: {} }, { ...about, record: denied })).toBe("same");
    const awaited = record({ name: "gate", decision: "block" });
    awaited.approvals.push({ hook: "other", request: null });
    expect(agreementOf(gate, { outcome: verdict("allow"), calls: {} }, { ...about, record: awaited })).toBe("same");
  });

  it("blocks nothing newly where an approval is there that meets what the hook of its name demands", () => {
    const met = record({ name: "gate", decision: "allow" });
    met.approvals.push({ hook: "gate", request: null });
    met.met = met.demands().map(({ by }) => by);
    const about = { original: ORIGINAL, blocked: false, record: met };
    expect(agreementOf(gate, { outcome: verdict("allow"), calls: { "request-approval": 1 } }, about)).toBe("same");
    expect(agreementOf(gate, { outcome: verdict("block"), calls: {} }, about)).toBe("newly-blocked");
  });

  it("transforms differently where it makes something else of the payload than the hook of its name", () => {
    expect(agreement(transform('{"a":2}'), [])).toBe("transforms-differently");
    expect(agreement(transform('{"a":2}'), [{ name: "gate", decision: "transform", text: '{"a":2}' }])).toBe("same");
    expect(agreement(transform('{"a":3}'), [{ name: "gate", decision: "transform", text: '{"a":2}' }])).toBe(
      "transforms-differently",
    );
    expect(agreement(verdict("allow"), [{ name: "gate", decision: "transform", text: '{"a":2}' }])).toBe(
      "transforms-differently",
    );
    expect(agreement(transform('{"a":2}'), [{ name: "other", decision: "block" }])).toBe("same");
  });

  it("says nothing where it failed", () => {
    expect(agreement({ kind: "failed", cause: "trap", detail: "" }, [])).toBeUndefined();
  });
});
