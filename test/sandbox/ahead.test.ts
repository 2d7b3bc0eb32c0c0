import { afterAll, beforeAll, expect, test } from "vitest";
import type { HookBatch, HookEvent, HookHost, HookHosts, HookSession } from "../../src/model/hook.ts";
import { LIMITS, loadPuppet, testHosts } from "../support/guests.ts";

let hosts: HookHosts;
beforeAll(() => {
  hosts = testHosts();
});
afterAll(() => hosts.close());

const BATCH: HookBatch = { phase: "audit", payload: "{}", hooks: ["counter"], now: 0, capsules: {} };

async function hostWith(...hooks: readonly (readonly [name: string, does: Parameters<typeof loadPuppet>[1]])[]) {
  const host: HookHost = await hosts.open({ deadlines: true });
  for (const [name, does] of hooks) {
    expect(await loadPuppet(host, does, { name, limits: { ...LIMITS, deadlineMs: 1000 } })).toMatchObject({ ok: true });
  }
  return host;
}

async function eventsOf(session: HookSession): Promise<HookEvent[]> {
  const events: HookEvent[] = [];
  for (let event = await session.next(); event; event = await session.next()) events.push(event);
  return events;
}

test("batches that are sent ahead are answered in their order, whoever waits first", async () => {
  const host = await hostWith(["counter", "counts"]);
  const sessions = Array.from({ length: 50 }, () => host.beginAhead(BATCH));
  const last = await eventsOf(sessions[49] ?? host.begin(BATCH));
  expect(last).toMatchObject([{ outcome: { rationale: "50" } }]);
  for (const [index, session] of sessions.slice(0, 49).entries()) {
    expect(await eventsOf(session)).toMatchObject([{ outcome: { rationale: String(index + 1) } }]);
  }
  expect(await eventsOf(host.begin(BATCH))).toMatchObject([{ outcome: { rationale: "51" } }]);
  await host.kill();
});

test("a hostcall is answered before the batches behind it", async () => {
  const host = await hostWith(["sleeper", "sleeps for ever"], ["counter", "counts"]);
  const asking = host.beginAhead({ ...BATCH, hooks: ["sleeper"] });
  const behind = [host.beginAhead(BATCH), host.beginAhead(BATCH)];
  expect(await asking.next()).toMatchObject({ kind: "hostcall", call: "sleep" });
  asking.answer({ ok: null });
  expect(await asking.next()).toMatchObject({ kind: "hostcall", call: "sleep" });
  await host.kill();
  await expect(asking.next()).rejects.toMatchObject({ fault: "host-died", hook: "sleeper" });
  for (const session of behind) await expect(session.next()).rejects.toMatchObject({ hook: "counter" });
});

test("what comes behind a failure or a change of the payload is asked all the same", async () => {
  const host = await hostWith(["broken", "throws an error"], ["counter", "counts"]);
  const sessions = [["broken", "counter"], ["counter"], ["broken"], ["counter"]].map((hooks) =>
    host.beginAhead({ ...BATCH, hooks }),
  );
  const outcomes = await Promise.all(sessions.map(eventsOf));
  expect(outcomes).toMatchObject([
    [{ hook: "broken", outcome: { cause: "error" } }],
    [{ hook: "counter", outcome: { rationale: "1" } }],
    [{ hook: "broken", outcome: { cause: "error" } }],
    [{ hook: "counter", outcome: { rationale: "2" } }],
  ]);
  await host.kill();
});

test("each batch has its whole deadline from its turn on, and the end of the process ends those behind", async () => {
  const host = await hostWith(["sleeper", "sleeps for ever"], ["counter", "counts"]);
  const sleeping = host.beginAhead({ ...BATCH, hooks: ["sleeper"] });
  const behind = host.beginAhead(BATCH);
  await sleeping.next();
  await expect(sleeping.next()).rejects.toMatchObject({ fault: "deadline", hook: "sleeper" });
  await expect(behind.next()).rejects.toMatchObject({ fault: "deadline", hook: "sleeper" });
  expect(host.alive).toBe(false);
});

test("while batches are in flight nothing is begun that must not wait, and nothing loaded", async () => {
  const host = await hostWith(["sleeper", "sleeps for ever"], ["counter", "counts"]);
  const session = host.beginAhead({ ...BATCH, hooks: ["sleeper"] });
  expect(await session.next()).toMatchObject({ kind: "hostcall" });
  expect(() => host.begin(BATCH)).toThrow("one thing at a time");
  await expect(loadPuppet(host, "counts", { name: "late" })).rejects.toThrow("one thing at a time");
  await host.kill();
});
