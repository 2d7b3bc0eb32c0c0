import { afterEach, beforeEach, expect, test } from "vitest";
import type { Journal, Receipt } from "../../src/model/entry.ts";
import type { HookBatch, HookHosts, PinnedHook } from "../../src/model/hook.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { Phase, Role, Tier } from "../../src/model/phase.ts";
import { Pipeline } from "../../src/pipeline/dispatch.ts";
import { Failures } from "../../src/pipeline/failures.ts";
import { Instances } from "../../src/pipeline/instances.ts";
import { planChains } from "../../src/pipeline/plan.ts";
import { type Behaviour, buildPuppet, pinnedHook, SEED, testHosts } from "../support/guests.ts";

let hosts: HookHosts;
/** What was sent to which host: its tier, and the hooks of the batch with those that rode along. */
let trips: string[];
let opened: Tier[];
beforeEach(() => {
  hosts = testHosts();
  trips = [];
  opened = [];
});
afterEach(() => hosts.close());

/** A journal that keeps what it is told, as the pipeline needs it here. */
function notebook(): { readonly journal: Journal; readonly checks: { kind: string; body: JsonObject }[] } {
  const checks: { kind: string; body: JsonObject }[] = [];
  const journal = {
    now: () => 1_700_000_000_000,
    commitment: () => "hmac-sha256:0",
    check: (kind: string, body: JsonObject): Receipt => {
      checks.push({ kind, body });
      return { seq: checks.length, line: "sha256:0" } as unknown as Receipt;
    },
    faultable: <T>(_: JsonObject, wait: () => Promise<T>) => wait(),
  };
  return { journal: journal as unknown as Journal, checks };
}

/** The hook hosts of this test, watched. */
const watched: Pick<HookHosts, "open"> = {
  open: async (request) => {
    const { tier = "sandboxed" } = request;
    opened.push(tier);
    const host = await hosts.open(request);
    const begin = host.begin.bind(host);
    host.begin = (batch: HookBatch) => {
      trips.push(`${tier}: ${[...batch.hooks, ...(batch.audit?.hooks ?? []).map((hook) => `+${hook}`)].join(" ")}`);
      return begin(batch);
    };
    return host;
  },
};

interface Named {
  readonly name: string;
  readonly tier: Tier;
  readonly does?: Behaviour;
  readonly role?: Role;
}

async function dispatch(gates: readonly Named[], observers: readonly Named[]) {
  const bytes = await buildPuppet();
  const phases: readonly Phase[] = ["pre-plan", "audit"];
  const pin =
    (role: Role) =>
    (hook: Named): PinnedHook =>
      pinnedHook(bytes, { role, phases, ...hook, config: { does: hook.does ?? "allows" } });
  const hooks = [...gates.map(pin("gate")), ...observers.map(pin("observer"))];
  const { journal, checks } = notebook();
  const failures = new Failures();
  const instances = new Instances({
    hosts: watched,
    journal,
    hooks,
    component: async () => bytes,
    seed: () => SEED,
    deadlines: true,
    failures,
    gone: () => undefined,
    level: 0,
    holding: () => instances.holds,
  });
  const order = { "pre-plan": gates.map(({ name }) => name), audit: observers.map(({ name }) => name) };
  const pipeline = new Pipeline({
    plan: planChains(hooks, order),
    instances,
    failures,
    journal,
    level: 0,
    invalidPayload: () => undefined,
    invalidCapsule: () => undefined,
    serve: async () => ({ error: "not in this test" }),
    capsules: () => ({}),
  });
  const agent = { name: "a", version: "1.0.0", run: "r", depth: 0 };
  const payload = { agent, step: 1, usage: {}, goal: "g" } as never;
  const ask = () => pipeline.dispatch({ phase: "pre-plan", subject: "", payload });
  return { ask, checks, instances };
}

const sandboxed = (name: string): Named => ({ name, tier: "sandboxed" });
const trusted = (name: string): Named => ({ name, tier: "trusted" });

test("hooks of one tier share a host and a round trip, the audit with them", async () => {
  const { ask } = await dispatch([sandboxed("a"), sandboxed("b")], [sandboxed("o")]);
  expect(await ask()).toMatchObject({ decision: "allow", unaudited: false });
  expect(opened).toEqual(["sandboxed"]);
  expect(trips).toEqual(["sandboxed: a b +o"]);
});

test("a chain is asked in its order, in a trip for each stretch of one tier", async () => {
  const { ask, checks } = await dispatch(
    [sandboxed("a"), trusted("b"), trusted("c"), sandboxed("d")],
    [sandboxed("o"), trusted("p")],
  );
  expect(await ask()).toMatchObject({ decision: "allow", unaudited: false });
  expect(opened.toSorted()).toEqual(["sandboxed", "trusted"]);
  expect(trips).toEqual(["sandboxed: a", "trusted: b c", "sandboxed: d", "sandboxed: o", "trusted: p"]);
  const boundary = checks.find(({ kind }) => kind === "check.boundary")?.body as {
    readonly verdicts: readonly JsonObject[];
    readonly audit: readonly JsonObject[];
  };
  expect(boundary.verdicts.map(({ hook, tier }) => `${hook} ${tier}`)).toEqual([
    "a sandboxed",
    "b trusted",
    "c trusted",
    "d sandboxed",
  ]);
  expect(boundary.audit.map(({ hook }) => hook)).toEqual(["o", "p"]);
});

test("an audit of another tier does not ride along", async () => {
  const { ask } = await dispatch([sandboxed("a")], [trusted("o")]);
  expect(await ask()).toMatchObject({ decision: "allow", unaudited: false });
  expect(trips).toEqual(["sandboxed: a", "trusted: o"]);
});

test("when the host of one tier dies, the instances of all start anew", async () => {
  const { ask, instances, checks } = await dispatch([sandboxed("a"), trusted("b")], []);
  await ask();
  const host = await instances.ready("trusted");
  await host.kill();
  expect(await ask()).toMatchObject({ decision: "allow" });
  expect(opened).toEqual(["sandboxed", "trusted", "sandboxed", "trusted"]);
  expect(checks.filter(({ kind }) => kind === "check.hooks")).toHaveLength(2);
});
