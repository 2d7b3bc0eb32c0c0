import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Lease, LeaseTable, MAX_DEPTH, MAX_LEASES, type Refusal } from "../../../src/capability/lease/table.ts";
import { parseCapability } from "../../../src/capability/lease/uri.ts";
import { runs, seed } from "../../support/property.ts";
import { commands, type Real, type Reference, reference } from "./reference.ts";

const table = () => new LeaseTable((name) => `token of ${name}`);
const read = (text: string) => parseCapability(`capability://process/${text}`, "here");
const made = (lease: Lease | Refusal): Lease => {
  if ("refused" in lease) throw new Error(lease.refused);
  return lease;
};
const AGENT = { holder: "agent", issuer: "a test" } as const;
const run = (...path: readonly string[]) => ({ resource: "process", action: "run", path, deep: false }) as const;
const ONCE = { uses: 1, bytes: 0, max: 0 };

describe("the table of leases", () => {
  test("does what a small and slow reference does, whatever is done in whatever order", () => {
    let steps = 0;
    fc.assert(
      fc.property(fc.commands(commands(), { maxCommands: 60, size: "max" }), (sequence) => {
        const setup = (): { model: Reference; real: Real } => ({
          model: reference(),
          real: { table: table(), now: 0, ran: 0 },
        });
        fc.modelRun(setup, sequence);
        steps += [...sequence].length;
      }),
      { seed, numRuns: runs(150, 4000) },
    );
    expect(steps).toBeGreaterThan(runs(3_000, 100_000));
  });

  test("C7 leases derive from one another sixteen times at most, and a run has a thousand", () => {
    const leases = table();
    let last = made(leases.mint({ ...AGENT, capability: read("**") }));
    for (let level = 0; level < MAX_DEPTH; level++) {
      last = made(leases.derive(last, { ...AGENT, capability: read("**"), shared: true }));
    }
    expect(leases.derive(last, { ...AGENT, capability: read("**"), shared: true })).toEqual({
      refused: expect.stringContaining("16 times"),
    });
    while (leases.leases.length < MAX_LEASES) made(leases.mint({ ...AGENT, capability: read("a") }));
    expect(leases.mint({ ...AGENT, capability: read("a") })).toEqual({ refused: expect.stringContaining("1000") });
  });

  test("C4 both clocks only go forward", () => {
    const leases = table();
    const lease = made(leases.mint({ ...AGENT, capability: read("a?expires=100") }));
    expect(leases.advance({ now: 99, ran: 0 })).toEqual([]);
    expect(leases.advance({ now: 0, ran: 99 })).toEqual([]);
    expect(leases.advance({ now: 0, ran: 100 })).toMatchObject([{ name: lease.name, state: "expired" }]);
    expect(leases.advance({ now: 0, ran: 0 })).toEqual([]);
    expect(leases.serving("agent", [run("a")], ONCE)).toEqual({ refused: "`lease-1` is expired" });
  });

  test("C3 a lease ends with the one that it came from", () => {
    const leases = table();
    const first = made(leases.mint({ ...AGENT, capability: read("**") }));
    const second = made(leases.derive(first, { ...AGENT, capability: read("a"), shared: true }));
    made(leases.derive(second, { ...AGENT, capability: read("a"), shared: false }));
    const other = made(leases.mint({ ...AGENT, capability: read("b") }));
    expect(leases.revoke(first.name).map(({ name }) => name)).toEqual(["lease-3", "lease-2", "lease-1"]);
    expect(leases.revoke(first.name)).toEqual([]);
    expect(leases.serving("agent", [run("a")], ONCE)).toEqual({ refused: expect.stringContaining("is revoked") });
    expect(leases.serving("agent", [run("b")], ONCE)).toMatchObject([{ name: other.name }]);
  });

  test("a rate counts the uses of its own time, and what is handed on", () => {
    const leases = table();
    const lease = made(leases.mint({ ...AGENT, capability: read("**?rate=3/100") }));
    const use = () => {
      const serving = leases.serving("agent", [run("a")], ONCE);
      if ("refused" in serving) return false;
      leases.use(serving, ONCE);
      return true;
    };
    expect([use(), use()]).toEqual([true, true]);
    const hand = (text: string) =>
      leases.derive(lease, { holder: "hook:x", issuer: "", capability: read(text), shared: false });
    expect(hand("**?rate=2/100")).toEqual({ refused: expect.stringContaining("`rate`") });
    made(hand("**?rate=1/100"));
    expect(use()).toBe(false);
    leases.advance({ now: 0, ran: 100 });
    expect([use(), use(), use()]).toEqual([true, true, false]);
  });
});
