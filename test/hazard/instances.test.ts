import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HookEvent, HookHost, HookHosts, Loaded, PinnedHook } from "../../src/model/hook.ts";
import type { HookHostOptions } from "../../src/sandbox/hosts.ts";
import { ask, LIMITS, load, testHosts } from "../support/guests.ts";
import { scriptedHook } from "../support/lab.ts";
import { oldestNode } from "../support/oldest-node.ts";
import { runs } from "../support/property.ts";
import { tooDeep } from "./guests/hostile.ts";
import { buildWat, watHook } from "./guests/wat.ts";

interface Subject {
  readonly name: string;
  readonly component: () => Promise<Uint8Array>;
  readonly changes: Partial<PinnedHook>;
  readonly fails?: true;
  readonly outcome: object;
}

const CALL = {
  id: "c",
  tool: "file.write",
  arguments: { path: "a", content: "password: hunter2x AKIAIOSFODNN7EXAMPLE" },
};
const PAYLOAD = JSON.stringify({ step: 1, call: CALL });
/** Floating point, a NaN, memory that grows, calls through a table. */
const LOCALS = "(local $i i32) (local $x f64)";
const WORK = `(local.set $i (i32.const 0))
  (local.set $x (f64.const 1))
  (loop $next
    (local.set $x (f64.add (f64.div (f64.const 0) (f64.const 0)) (local.get $x)))
    (f64.store (i32.const 4096) (local.get $x))
    (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 100))) (then (drop (memory.grow (i32.const 1)))))
    (call_indirect $work (i32.const 0))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $i) (i32.const 1000))))`;
const FIELDS = "(table $work funcref (elem $nothing)) (func $nothing)";

const script = async (code: string) => (await scriptedHook(code, { phases: [] })).component;
const JS_WORK = `const seen = new Map();
  for (let n = 0; n < 500; n++) seen.set("key" + (n * 7919 % 1000), Math.sin(n) * 1e9);
  const sorted = [...seen].sort(([a], [b]) => a < b ? -1 : 1).map(([key, value]) => key + value.toFixed(6));`;

const SUBJECTS: readonly Subject[] = [
  {
    name: "a WAT guest",
    component: () => buildWat(watHook({ fields: FIELDS, handle: `${LOCALS} ${WORK} (i32.const 1024)` })),
    changes: {},
    outcome: { kind: "verdict", decision: "allow", rationale: "fine" },
  },
  {
    name: "a WAT guest that traps",
    component: () => buildWat(watHook({ fields: FIELDS, handle: `${LOCALS} ${WORK} (unreachable)` })),
    changes: {},
    fails: true,
    outcome: { kind: "failed", cause: "trap", detail: "unreachable" },
  },
  {
    name: "a WAT guest that loops",
    component: () =>
      buildWat(watHook({ fields: FIELDS, handle: `${LOCALS} (loop $on ${WORK} (br $on)) (unreachable)` })),
    changes: { limits: { ...LIMITS, fuel: 100_000 } },
    fails: true,
    outcome: {
      kind: "failed",
      cause: "limit",
      detail: expect.stringMatching(/^`fuel`: allowed 100000, used 10\d{4}$/),
    },
  },
  {
    name: "a WAT guest that recurses",
    component: () => buildWat(watHook({ fields: "(func $down (call $down))", handle: "(call $down) (unreachable)" })),
    changes: {},
    fails: true,
    outcome: {
      kind: "failed",
      cause: "limit",
      detail: expect.stringMatching(tooDeep.says),
    },
  },
  {
    name: "an AssemblyScript guest",
    component: () => readFile(new URL("../../hooks/redact/redact.wasm", import.meta.url)),
    changes: { role: "transformer", limits: { ...LIMITS, memoryPages: 2048 } },
    outcome: { kind: "verdict", decision: "block", rationale: expect.stringContaining("1 aws-access-key") },
  },
  {
    name: "a QuickJS guest",
    component: () => script("return allow();"),
    changes: { config: { code: `${JS_WORK} return allow(sorted.slice(0, 3).join());` } },
    outcome: { kind: "verdict", decision: "allow", rationale: expect.stringMatching(/^key/) },
  },
  {
    name: "a QuickJS guest that loops",
    component: () => script("return allow();"),
    changes: { config: { code: `${JS_WORK} for (;;) sorted.sort();` }, limits: { ...LIMITS, fuel: 5_000_000 } },
    fails: true,
    outcome: { kind: "failed", cause: "limit" },
  },
  {
    name: "a QuickJS guest that recurses",
    component: () => script("return allow();"),
    changes: { config: { code: "const down = (n) => 1 + down(n + 1); return allow(String(down(0)));" } },
    fails: true,
    outcome: { kind: "failed", cause: "limit" },
  },
];

/** What came of one fresh instance: loading, for one that lives as long as its call, took what the call takes at first. */
interface Life {
  readonly loaded: Loaded;
  readonly events: readonly HookEvent[];
}

/** A guest that answers is instantiated anew for each call; one that fails is loaded anew, since it stays failed. */
async function live(
  host: HookHost,
  subject: Subject,
  { name, calls }: { readonly name: string; readonly calls: number },
) {
  const changes = { ...subject.changes, name, instance: "call" } as const;
  const loaded = await load(host, await component(subject), changes);
  const lives: Life[] = [];
  for (let call = 0; call < calls; call += 1) {
    const events = await ask(host, { hooks: [name], payload: PAYLOAD });
    lives.push({ loaded, events: events.map((event) => ({ ...event, hook: "hook" })) });
  }
  return lives;
}

const built = new Map<string, Promise<Uint8Array>>();
function component({ name, component }: Subject): Promise<Uint8Array> {
  const known = built.get(name) ?? component();
  built.set(name, known);
  return known;
}

/** Instances in one process before the next one is started. */
const LOADS = 20;
const CALLS = 250;

const expected = new Map<string, Life>();
const pools: HookHosts[] = [];
function pool(changes: Partial<HookHostOptions> = {}): HookHosts {
  const hosts = testHosts(changes);
  pools.push(hosts);
  return hosts;
}

beforeAll(async () => {
  const hosts = pool();
  for (const subject of SUBJECTS) {
    const host = await hosts.open({ deadlines: true });
    const [life] = await live(host, subject, { name: "first", calls: 1 });
    const [event] = life?.events ?? [];
    expect(event, subject.name).toMatchObject({ kind: "result", outcome: subject.outcome });
    expect(event?.fuel, subject.name).toBeGreaterThan(500);
    if (life) expected.set(subject.name, life);
    await host.kill();
  }
});
afterAll(async () => {
  for (const hosts of pools) await hosts.close();
});

async function staysTheSame(hosts: HookHosts, subject: Subject, count: number): Promise<void> {
  for (let left = count; left > 0; ) {
    const host = await hosts.open({ deadlines: true });
    const end = Math.max(0, left - (subject.fails ? LOADS : CALLS));
    while (left > end) {
      const calls = subject.fails ? 1 : left - end;
      const lives = await live(host, subject, { name: `instance-${left}`, calls });
      for (const life of lives) expect(life).toEqual(expected.get(subject.name));
      left -= calls;
    }
    await host.kill();
  }
}

const FLAGS = [[], ["--liftoff-only"], ["--no-liftoff"]] as const;

describe.each(FLAGS.map((flags) => ({ flags })))(
  "D9 fuel, verdict, and trap point are those of the first instance with the flags $flags",
  ({ flags }) => {
    test.each(SUBJECTS)("$name", async (subject) => {
      await staysTheSame(pool({ flags }), subject, subject.fails ? runs(10, 1000) : runs(30, 1000));
    });
  },
);

test.runIf(runs(0, 1) === 1)(
  "D9 fuel, verdict, and trap point are the same on the oldest Node that is supported",
  async () => {
    const node = await oldestNode();
    for (const flags of FLAGS) {
      for (const subject of SUBJECTS) await staysTheSame(pool({ node, flags }), subject, 20);
    }
  },
);
