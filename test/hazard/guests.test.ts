import { afterAll, beforeAll, expect, test } from "vitest";
import type { HookHost, HookHosts, PinnedHook } from "../../src/model/hook.ts";
import { MAX_DEPTH } from "../../src/sandbox/wasm/metering.ts";
import { ask, type Behaviour, LIMITS, load, loadPuppet, outcomeOf, testHosts } from "../support/guests.ts";
import { ALLOW, buildWat, verdict, type WatHook, watHook } from "./guests/wat.ts";

let hosts: HookHosts;
beforeAll(() => {
  hosts = testHosts();
});
afterAll(() => hosts.close());

const FAST = { ...LIMITS, deadlineMs: 300 };
const SPIN = "(loop (br 0))";

type Guest = Uint8Array | Behaviour;

/** A host with a well-behaved hook `witness` and the hostile one, `hook`. */
async function hostWith(guest: Guest, changes: Partial<PinnedHook> = {}): Promise<HookHost> {
  const host = await hosts.open({ deadlines: true });
  expect(await load(host, await buildWat(watHook({})), { name: "witness" })).toMatchObject({ ok: true });
  const loaded = typeof guest === "string" ? loadPuppet(host, guest, changes) : load(host, guest, changes);
  expect(await loaded).toMatchObject({ ok: true });
  return host;
}

/** The hook fails in a way that is the same on every machine; the host and the other hook in it go on. */
async function failsAlone(guest: Guest, changes: Partial<PinnedHook> = {}) {
  const host = await hostWith(guest, changes);
  const outcome = await outcomeOf(host);
  expect(host.alive).toBe(true);
  expect(await outcomeOf(host, { hooks: ["witness"] })).toMatchObject({ decision: "allow", rationale: "fine" });
  await host.kill();
  return outcome;
}

/** The hook does not come back: the process is killed, the fault names the hook, and Pinion goes on. */
async function isKilled(guest: Guest): Promise<void> {
  const host = await hostWith(guest, { limits: FAST });
  await expect(outcomeOf(host)).rejects.toMatchObject({ fault: "deadline", hook: "hook" });
  expect(host.alive).toBe(false);
  await host.kill();
}

const wat = (parts: WatHook) => buildWat(watHook(parts));
const trap = (detail: string) => ({ kind: "failed", cause: "trap", detail });
const limit = (name: string, allowed: number, used: number) => ({
  kind: "failed",
  cause: "limit",
  detail: `\`${name}\`: allowed ${allowed}, used ${used}`,
});

test("R1 an endless loop in a start function: loading ends at its deadline", async () => {
  const impatient = testHosts({ loadDeadlineMs: 500 });
  const host = await impatient.open({ deadlines: true });
  const bytes = await wat({ fields: `(func $spin ${SPIN}) (start $spin)` });
  await expect(load(host, bytes)).rejects.toMatchObject({ fault: "deadline", hook: "hook" });
  expect(host.alive).toBe(false);
  await impatient.close();
});

test("R2 an endless loop in cabi_realloc: the process is killed", async () => {
  await isKilled(
    await wat({
      fields: "(global $calls (mut i32) (i32.const 0))",
      realloc: `(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (i32.gt_u (global.get $calls) (i32.const 1)) (then ${SPIN})) (i32.const 65536)`,
    }),
  );
});

test("R2 an endless loop in post-return: the process is killed", async () => {
  await isKilled(await wat({ post: SPIN }));
});

test("R2 an endless loop in handle: the process is killed", async () => {
  await isKilled("never returns");
});

test("R3 a memory bomb: memory stops growing at the limit of the hook, which has failed whatever it answers", async () => {
  const outcome = await failsAlone(
    await wat({
      // Allows only when it got exactly what it may have.
      handle: `(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
        (if (i32.ne (memory.size) (i32.const 100)) (then (unreachable))) (i32.const ${ALLOW})`,
    }),
    { limits: { ...LIMITS, memoryPages: 100 } },
  );
  const detail = "`memoryPages`: allowed 100, used 100 and asked for more";
  expect(outcome).toEqual({ kind: "failed", cause: "limit", detail });
});

test("R3 a memory that starts above the limit of the hook: it is not loaded", async () => {
  const host = await hosts.open({ deadlines: true });
  const bytes = await wat({ memory: '(memory (export "memory") 513)' });
  const { kind: _, ...failure } = limit("memoryPages", 512, 513);
  expect(await load(host, bytes)).toEqual({ ok: false, fuel: 0, ...failure });
  await host.kill();
});

test("R3 a memory bomb in JavaScript: the hook has failed, also when it catches what QuickJS throws", async () => {
  const outcome = await failsAlone("takes all memory");
  expect(outcome).toMatchObject({
    cause: "limit",
    detail: expect.stringMatching(/^`memoryPages`: allowed 512, used \d+/),
  });
});

test.each(["funcref", "externref"])(
  "R4 a table bomb of %s: tables stop growing at the limit of the hook, which has failed whatever it answers",
  async (type) => {
    const outcome = await failsAlone(
      await wat({
        fields: `(table $t 1 ${type})`,
        handle: `(loop (br_if 0 (i32.ne (table.grow $t (ref.null ${type.slice(0, -3)}) (i32.const 1)) (i32.const -1))))
        (if (i32.ne (table.size $t) (i32.const 300)) (then (unreachable))) (i32.const ${ALLOW})`,
      }),
      { limits: { ...LIMITS, tableEntries: 300 } },
    );
    const detail = "`tableEntries`: allowed 300, used 300 and asked for more";
    expect(outcome).toEqual({ kind: "failed", cause: "limit", detail });
  },
);

test("R5 deep recursion: the hook is stopped at the same depth on every machine", async () => {
  const bytes = await wat({ fields: "(func $down (call $down))", handle: `(call $down) (i32.const ${ALLOW})` });
  const outcome = await failsAlone(bytes);
  expect(outcome).toMatchObject({
    cause: "limit",
    detail: expect.stringMatching(`callDepth\`: allowed ${MAX_DEPTH}, used`),
  });
});

test("R5 deep recursion in JavaScript: the hook fails", async () => {
  expect(await failsAlone("recurses for ever")).toMatchObject({ kind: "failed" });
});

test("R6 a string of 512 MB: the hook traps", async () => {
  const bytes = await wat({
    fields: verdict(2000, { address: 0, length: 512 * 1024 * 1024 }),
    handle: "(i32.const 2000)",
  });
  expect(await failsAlone(bytes)).toEqual(trap("an invalid value at the component's boundary"));
});

test("R6 a rationale above the limit of the hook: it is not passed on", async () => {
  expect(await failsAlone("says too much")).toEqual(limit("outputBytes", 65_536, 1 << 20));
});

test.each([
  ["a result out of bounds", "", "(i32.const -8)"],
  ["a string out of bounds", verdict(2000, { address: 131_072, length: 1 }), "(i32.const 2000)"],
  ["a string that wraps around", verdict(2000, { address: 0xffff_fff0, length: 0x20 }), "(i32.const 2000)"],
  [
    "invalid UTF-8",
    `${verdict(2000, { address: 3000, length: 1 })} (data (i32.const 3000) "\\ff")`,
    "(i32.const 2000)",
  ],
  ["a bad tag", verdict(2000, { tag: 9, address: 0, length: 0 }), "(i32.const 2000)"],
  ["a bad decision", verdict(2000, { decision: 3, address: 0, length: 0 }), "(i32.const 2000)"],
])("R7 %s: the hook traps", async (_, fields, handle) => {
  expect(await failsAlone(await wat({ fields, handle }))).toEqual(trap("an invalid value at the component's boundary"));
});

test("R7 a byte order mark stays in the text", async () => {
  const fields = `${verdict(2000, { address: 3000, length: 4 })} (data (i32.const 3000) "\\ef\\bb\\bf!")`;
  const host = await hostWith(await wat({ fields, handle: "(i32.const 2000)" }));
  expect(await outcomeOf(host)).toMatchObject({ rationale: "\ufeff!" });
  await host.kill();
});

test("R10 going on after the host said no: the call has failed, whatever it answers", async () => {
  expect(await failsAlone("goes on after the host said no")).toEqual(limit("hostcalls", 100, 101));
});

test("R12 a flood of events: the call fails at its limit", async () => {
  expect(await failsAlone("floods with events")).toEqual(limit("events", 50, 51));
});

test("R12 one huge event: the call fails at its limit", async () => {
  expect(await failsAlone("emits a huge event")).toEqual(limit("eventBytes", 65_536, (1 << 20) + 2 + 4));
});

test("R13 a flood of hostcalls: the call fails at its limit, and nothing of it leaves the process", async () => {
  const host = await hostWith("floods with hostcalls");
  const events = await ask(host);
  expect(events).toMatchObject([{ kind: "result", outcome: limit("hostcalls", 100, 101) }]);
  expect(events[0]?.log).toHaveLength(100);
  await host.kill();
});

test("R14 a hostcall that is never answered: the deadline goes on while the guest waits", async () => {
  const host = await hostWith("sleeps for ever", { limits: FAST });
  const session = host.begin({ phase: "audit", payload: "{}", hooks: ["hook"], now: 0, capsules: {} });
  expect(await session.next()).toMatchObject({
    kind: "hostcall",
    call: "sleep",
    arguments: { milliseconds: 1000 },
  });
  await expect(session.next()).rejects.toMatchObject({ fault: "deadline", hook: "hook" });
  session.answer({ ok: null });
  expect(host.alive).toBe(false);
});

test.each<Behaviour>([
  "traps",
  "answers half a surrogate pair",
  "reads the clock of the system",
  "answers something else",
  "answers a promise",
])("R16 a hook that %s: it fails and the host lives", async (does) => {
  expect(await failsAlone(does)).toMatchObject({ kind: "failed", cause: expect.stringMatching(/trap|error/) });
});

test("R17 re-entry: a host whose hook waits for an answer takes no other batch", async () => {
  const host = await hostWith("sleeps for ever");
  const batch = { phase: "audit", payload: "{}", hooks: ["hook"], now: 0, capsules: {} } as const;
  const session = host.begin(batch);
  await session.next();
  expect(() => host.begin({ ...batch, hooks: ["witness"] })).toThrow("one thing at a time");
  await host.kill();
});

test("R18 a call into an instance that trapped: it answers its failure and runs nothing", async () => {
  const fields = "(global $calls (mut i32) (i32.const 0))";
  const handle = `(if (i32.eqz (global.get $calls)) (then (global.set $calls (i32.const 1)) (unreachable))) (i32.const ${ALLOW})`;
  const host = await hostWith(await wat({ fields, handle }));
  expect(await outcomeOf(host)).toEqual(trap("unreachable"));
  expect(await outcomeOf(host)).toEqual(trap("unreachable"));
  await host.kill();
});

test("R22 what one hook keeps is not seen by another, nor by the next run", async () => {
  const rationales = async (host: HookHost) =>
    (await ask(host, { hooks: ["one", "two"] })).map((event) => event.kind === "result" && event.outcome);
  for (let run = 0; run < 2; run += 1) {
    const host = await hosts.open({ deadlines: true });
    for (const name of ["one", "two"]) await loadPuppet(host, "counts", { name });
    expect(await rationales(host)).toMatchObject([{ rationale: "1" }, { rationale: "1" }]);
    expect(await rationales(host)).toMatchObject([{ rationale: "2" }, { rationale: "2" }]);
    await host.kill();
  }
});
