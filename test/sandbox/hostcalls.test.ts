import { afterAll, beforeAll, expect, test } from "vitest";
import type { HookEvent, HookHost, HookHosts } from "../../src/model/hook.ts";
import type { Json } from "../../src/model/json.ts";
import { ask, LIMITS, loadPuppet, outcomeOf, testHosts } from "../support/guests.ts";

let hosts: HookHosts;
let host: HookHost;
beforeAll(async () => {
  hosts = testHosts();
  host = await hosts.open({ deadlines: true });
  await loadPuppet(host, "evaluates its payload");
  await loadPuppet(host, "uses every buffered hostcall", { name: "buffered" });
});
afterAll(() => hosts.close());

/** Has a guest call one function, and says what the guest saw, what was asked of the kernel, and what is in the log. */
async function call(name: string, values: readonly Json[], answer: Parameters<typeof ask>[2] = undefined) {
  const events = await ask(
    host,
    { payload: JSON.stringify([name, ...values]), capsules: { plan: '{"steps":[]}' } },
    answer,
  );
  const last = events.at(-1);
  if (last?.kind !== "result" || last.outcome.kind !== "verdict") throw new Error(JSON.stringify(last));
  const asked = events.filter((event): event is HookEvent & { kind: "hostcall" } => event.kind === "hostcall");
  return { saw: JSON.parse(last.outcome.rationale), asked: asked[0], log: last.log };
}

test("buffered hostcalls are answered in the host and reported in the guest's order", async () => {
  const [event] = await ask(host, { hooks: ["buffered"], now: 1234, capsules: { plan: '{"steps":[]}' } });
  expect(event).toMatchObject({
    kind: "result",
    outcome: {
      kind: "verdict",
      rationale: expect.stringMatching(/^1234 \{"level":"low"\} \{"steps":\[\]\} \d+ \d+ \d+ \d+$/),
    },
    log: [
      { call: "emit-event", kind: "seen", data: { phase: "pre-tool" } },
      { call: "write-capsule", kind: "risk", value: { level: "low" } },
      { call: "request-approval", request: { why: "to be sure" } },
      { call: "now" },
      { call: "read-capsule", kind: "risk" },
      { call: "read-capsule", kind: "plan" },
      { call: "random", bytes: 4 },
    ],
  });
});

test("the same seed gives a hook the same random bytes, which go on from call to call", async () => {
  const bytes = async () => {
    const fresh = await hosts.open({ deadlines: true });
    await loadPuppet(fresh, "uses every buffered hostcall");
    const said = [await outcomeOf(fresh), await outcomeOf(fresh)].map((outcome) => JSON.stringify(outcome));
    await fresh.kill();
    return said;
  };
  const first = await bytes();
  expect(first[0]).not.toEqual(first[1]);
  expect(await bytes()).toEqual(first);
});

test.each<[string, readonly Json[], Record<string, Json>, Json, Json]>([
  [
    "requestToolCall",
    ["file.read", '{"path":"a"}'],
    { tool: "file.read", arguments: { path: "a" } },
    { text: "b" },
    '{"text":"b"}',
  ],
  ["sleep", [5], { milliseconds: 5 }, null, null],
  ["openRoot", ["workspace"], { name: "workspace" }, "h1", "h1"],
  ["openDirectory", ["h1", "src"], { directory: "h1", path: "src" }, "h2", "h2"],
  [
    "list",
    ["h1", "."],
    { directory: "h1", path: "." },
    [
      { name: "a", kind: "file", size: 3 },
      { name: "l", kind: "link", size: 0 },
    ],
    [
      { name: "a", kind: "file", size: 3 },
      { name: "l", kind: "other", size: 0 },
    ],
  ],
  [
    "stat",
    ["h1", "a"],
    { directory: "h1", path: "a" },
    { name: "a", kind: "file", size: 3 },
    { name: "a", kind: "file", size: 3 },
  ],
  ["write", ["h1", "a", { bytes: [1, 2] }], { directory: "h1", path: "a", data: "AQI=" }, null, null],
  ["createDirectory", ["h1", "d"], { directory: "h1", path: "d" }, null, null],
  ["remove", ["h1", "d"], { directory: "h1", path: "d" }, null, null],
  ["rename", ["h1", "a", "b"], { directory: "h1", source: "a", target: "b" }, null, null],
])("%s goes to the kernel and comes back", async (name, values, request, ok, seen) => {
  const { saw, asked } = await call(name, values, () => ({ ok }));
  expect(asked).toMatchObject({ hook: "hook", arguments: request });
  expect(saw).toEqual(seen === null ? {} : { ok: seen });
});

test("what the kernel refuses is an error for the guest and no more", async () => {
  const { saw } = await call("openRoot", ["secrets"], () => ({ error: "denied: no grant" }));
  expect(saw).toEqual({ error: "denied: no grant" });
});

test("what was buffered before a trip goes along with it", async () => {
  const [first] = await ask(host, { payload: '["sleep",1]' });
  expect(first).toMatchObject({ kind: "hostcall", log: [] });
});

test.each<[string, readonly Json[], string]>([
  ["emitEvent", ["Not A Kind", "{}"], "the kind of an event"],
  ["emitEvent", [`a${"b".repeat(64)}`, "{}"], "the kind of an event"],
  ["emitEvent", ["kind", "{"], "`data` is not JSON"],
  ["writeCapsule", ["secret", "{}"], "the kinds of capsules"],
  ["writeCapsule", ["plan", "no"], "`value` is not JSON"],
  ["writeCapsule", ["plan", JSON.stringify("x".repeat(65_536))], "`value` is longer than 65536 bytes"],
  ["readCapsule", ["__proto__"], "the kinds of capsules"],
  ["requestApproval", ["{"], "`request` is not JSON"],
  ["random", [1025], "at most 1024 random bytes"],
  ["requestToolCall", ["file.read", "{"], "`arguments` is not JSON"],
  ["requestToolCall", ["t".repeat(5000), "{}"], "`tool` is longer than"],
  ["openRoot", ["r".repeat(5000)], "`name` is longer than"],
])("%s(%j) is refused inside the host: nothing is logged, nobody is asked", async (name, values, detail) => {
  const { saw, asked, log } = await call(name, values);
  expect(saw).toEqual({ error: expect.stringContaining(detail) });
  expect(asked).toBeUndefined();
  expect(log).toEqual([]);
});

test("a capsule that is not there is nothing", async () => {
  expect((await call("readCapsule", ["risk"])).saw).toEqual({ ok: null });
});

test("hostcalls are counted for each call of the hook, not over all", async () => {
  const limited = await hosts.open({ deadlines: true });
  await loadPuppet(limited, "uses every buffered hostcall", { limits: { ...LIMITS, hostcalls: 7, events: 1 } });
  for (let n = 0; n < 3; n += 1) expect(await outcomeOf(limited)).toMatchObject({ kind: "verdict" });
  await limited.kill();
});
