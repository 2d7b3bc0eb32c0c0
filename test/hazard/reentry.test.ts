import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HookHosts } from "../../src/model/hook.ts";
import { ask, buildGuest, hookSource, load, testHosts } from "../support/guests.ts";
import { ALLOW, buildWat, type WatHook, watHook } from "./guests/wat.ts";

let hosts: HookHosts;
beforeAll(() => {
  hosts = testHosts();
});
afterAll(() => hosts.close());

const IMPORTS = `(import "pinion:hook/host@1.0.0" "now" (func $now (result i64)))
  (import "pinion:hook/host@1.0.0" "random" (func $random (param i32 i32)))
  (import "pinion:hook/files@1.0.0" "open-root" (func $open (param i32 i32 i32)))`;
const CALLS = "(global $calls (mut i32) (i32.const 0))";

/** From its `nth` allocation on, realloc makes a hostcall before it allocates. */
function leavingAt(nth: number, hostcall: string): string {
  return `(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (if (i32.ge_u (global.get $calls) (i32.const ${nth})) (then ${hostcall})) (i32.const 65536)`;
}
const guest = (parts: WatHook) => buildWat(watHook({ imports: IMPORTS, fields: CALLS, ...parts }));

/** Loads the guest and asks it once; everything that came of it. */
async function asked(parts: WatHook) {
  const host = await hosts.open({ deadlines: true });
  const loaded = await load(host, await guest(parts));
  const events = loaded.ok ? await ask(host, {}, () => ({ ok: "0123456789abcdef" })) : [];
  expect(host.alive).toBe(true);
  await host.kill();
  return { loaded, events };
}
const LEFT = { kind: "failed", cause: "trap", detail: "re-entered or used after a trap" };

describe("R17 re-entry: a hostcall while the host lowers something into the guest", () => {
  // The first allocation is for the configuration, the second for the payload, the third for an answer.
  test.each([
    ["the payload", 2, `(i32.const ${ALLOW})`],
    [
      "the answer of a hostcall that needs no trip",
      3,
      `(call $random (i32.const 8) (i32.const 2000)) (i32.const ${ALLOW})`,
    ],
  ])("%s: the hook traps, and nothing of it is in the log but what it may do", async (_, nth, handle) => {
    const { events } = await asked({ realloc: leavingAt(nth, "(drop (call $now))"), handle });
    expect(events).toMatchObject([{ kind: "result", outcome: LEFT }]);
    expect(events[0]?.log).toEqual(nth === 2 ? [] : [{ call: "random", bytes: 8 }]);
  });

  test("the answer of a trip: the hook traps, and is not asked for another", async () => {
    const handle = `(call $open (i32.const 1100) (i32.const 4) (i32.const 2000)) (i32.const ${ALLOW})`;
    const again = "(call $open (i32.const 1100) (i32.const 4) (i32.const 2100))";
    const { events } = await asked({ realloc: leavingAt(3, again), handle });
    expect(events).toMatchObject([
      { kind: "hostcall", call: "files.open-root" },
      { kind: "result", outcome: LEFT, log: [] },
    ]);
  });

  test("R5 an answer whose allocation asks for the same answer, and so on: it ends at the first", async () => {
    const again = "(call $random (i32.const 8) (i32.const 2100))";
    const handle = `(call $random (i32.const 8) (i32.const 2000)) (i32.const ${ALLOW})`;
    const { events } = await asked({ realloc: leavingAt(3, again), handle });
    expect(events).toMatchObject([{ kind: "result", outcome: LEFT, log: [{ call: "random", bytes: 8 }] }]);
  });

  test("post-return: the hook traps", async () => {
    const { events } = await asked({ post: "(drop (call $now))" });
    expect(events).toMatchObject([{ kind: "result", outcome: LEFT, log: [] }]);
  });
});

describe("R17 a hostcall where there is no boundary yet", () => {
  test.each<[string, WatHook, string, string]>([
    ["in `configure`", { configure: "(drop (call $now)) (i32.const 1000)" }, "error", "a hostcall outside `handle`"],
    [
      "that would need an answer, in `configure`",
      { configure: "(call $open (i32.const 1100) (i32.const 4) (i32.const 2000)) (i32.const 1000)" },
      "error",
      "a hostcall outside `handle`",
    ],
    [
      "in a start function",
      { fields: "(func $begin (drop (call $now))) (start $begin)" },
      "error",
      "a hostcall outside `handle`",
    ],
    [
      "while the configuration is lowered",
      { realloc: leavingAt(1, "(drop (call $now))") },
      "trap",
      "re-entered or used after a trap",
    ],
  ])("%s: the hook is not loaded, and nobody is asked", async (_, parts, cause, detail) => {
    const { loaded, events } = await asked(parts);
    expect(loaded).toMatchObject({ ok: false, cause, detail });
    expect(events).toEqual([]);
  });
});

test("R15 nothing of a guest runs after its answer: it has no timers, and a promise finds the door shut", async () => {
  const late = hookSource(`
    const timers = ["setTimeout", "setInterval", "setImmediate"].filter((name) => name in globalThis);
    Promise.resolve().then(() => host.emitEvent("late", "1"));
    return allow("timers: " + timers.length);`);
  const host = await hosts.open({ deadlines: true });
  expect(await load(host, await buildGuest(late))).toMatchObject({ ok: true });
  expect(await ask(host)).toMatchObject([{ outcome: { rationale: "timers: 0" }, log: [] }]);
  await host.kill();
});
