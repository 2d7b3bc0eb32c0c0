import { expect, test } from "vitest";
import { Abort, Door } from "../../src/sandbox/host/door.ts";
import { LIMITS, SEED } from "../support/guests.ts";

type Functions = Record<string, (...values: unknown[]) => unknown>;

function openDoor(limits: Partial<typeof LIMITS> = {}) {
  const asked: string[] = [];
  const door = new Door({
    limits: { ...LIMITS, ...limits },
    seed: SEED,
    ask: (call) => {
      asked.push(call);
      return { kind: "answer", ok: null, now: 2000 };
    },
  });
  const { "pinion:hook/host": host = {}, "pinion:hook/files": files = {} } = door.imports() as Record<
    string,
    Functions
  >;
  return { door, asked, call: (name: string, ...values: unknown[]) => (host[name] ?? files[name])?.(...values) };
}
const SURROUNDINGS = { now: 1000, capsules: {} };

test("R10 after the first abort every hostcall of the call fails, is not logged, and asks nobody", () => {
  const { door, asked, call } = openDoor({ events: 1 });
  door.open(SURROUNDINGS);
  call("emitEvent", "first", "1");
  expect(() => call("emitEvent", "second", "2")).toThrow(Abort);
  for (let n = 0; n < 10; n += 1) {
    expect(() => call("now")).toThrow(Abort);
    expect(() => call("sleep", 1)).toThrow(Abort);
    expect(() => call("requestToolCall", "t", "{}")).toThrow(Abort);
  }
  expect(asked).toEqual([]);
  expect(door.failure).toEqual({ cause: "limit", detail: "`events`: allowed 1, used 2" });
  expect(door.close()).toEqual([{ call: "emit-event", kind: "first", data: 1 }]);
});

test.each([
  ["capsules", "writeCapsule", ["plan"]],
  ["approval requests", "requestApproval", []],
])("R12 a flood of %s ends at the bytes that one call may have waiting", (_, name, values) => {
  const { door, call } = openDoor({ hostcalls: 10_000 });
  const text = JSON.stringify("x".repeat(65_534));
  for (let round = 0; round < 2; round += 1) {
    door.open(SURROUNDINGS);
    for (let n = 0; n < 16; n += 1) call(name, ...values, text);
    expect(() => call(name, ...values, "1")).toThrow(Abort);
    expect(door.failure).toEqual({ cause: "limit", detail: "`bufferedBytes`: allowed 1048576, used 1048577" });
    expect(door.close()).toHaveLength(16);
  }
});

test("R15 between calls the door is shut", () => {
  const { door, asked, call } = openDoor();
  expect(() => call("now")).toThrow(Abort);
  door.open(SURROUNDINGS);
  call("now");
  door.close();
  expect(() => call("sleep", 1)).toThrow(Abort);
  expect(asked).toEqual([]);
});

test("the clock stands still during a call, except across calls into the world", () => {
  const { door, call } = openDoor();
  door.open(SURROUNDINGS);
  expect([call("now"), call("now"), call("sleep", 1), call("now")]).toEqual([1000n, 1000n, undefined, 2000n]);
});

test("a log goes out with the trip that follows it, once", () => {
  const logs: unknown[] = [];
  const door = new Door({
    limits: LIMITS,
    seed: SEED,
    ask: (_call, _request, log) => {
      logs.push(log);
      return { kind: "answer", ok: null };
    },
  });
  const { "pinion:hook/host": host } = door.imports() as unknown as { "pinion:hook/host": Functions };
  door.open(SURROUNDINGS);
  host.now?.();
  host.sleep?.(1);
  host.random?.(2);
  expect(logs).toEqual([[{ call: "now" }]]);
  expect(door.close()).toEqual([{ call: "random", bytes: 2 }]);
});
