import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HookHost, HookHosts } from "../../src/model/hook.ts";
import { buildWat, verdict, type WatHook, watHook } from "../hazard/guests/wat.ts";
import {
  ask,
  type Behaviour,
  buildPuppet,
  LIMITS,
  load,
  loadPuppet,
  outcomeOf,
  pinnedHook,
  SEED,
  testHosts,
} from "../support/guests.ts";
import { runs } from "../support/property.ts";

let hosts: HookHosts;
beforeAll(() => {
  hosts = testHosts({ spares: 1 });
});
afterAll(() => hosts.close());

/** One hook alone in a host. */
async function hostOf(does: Behaviour, changes: Parameters<typeof loadPuppet>[2] = {}): Promise<HookHost> {
  const host = await hosts.open({ deadlines: true });
  expect(await loadPuppet(host, does, changes)).toMatchObject({ ok: true });
  return host;
}

describe("verdicts", () => {
  test.each<[Behaviour, object]>([
    ["allows", { kind: "verdict", decision: "allow", rationale: "fine" }],
    ["blocks", { kind: "verdict", decision: "block", rationale: "not today" }],
    ["throws an error", { kind: "failed", cause: "error", detail: "broken" }],
    ["traps", { kind: "failed", cause: "trap", detail: "unreachable" }],
    ["allows with a payload", { kind: "failed", cause: "malformed", detail: "`allow` with a payload" }],
    [
      "returns the payload with a mark",
      { kind: "failed", cause: "malformed", detail: "the role `gate` may not answer `transform`" },
    ],
  ])("a gate that %s", async (does, outcome) => {
    const host = await hostOf(does);
    expect(await outcomeOf(host)).toEqual(outcome);
    await host.kill();
  });

  test.each<[Behaviour, object]>([
    [
      "returns the payload with a mark",
      { kind: "verdict", decision: "transform", rationale: "marked", payload: '{"step":1,"marked":true}' },
    ],
    ["transforms without a payload", { kind: "failed", cause: "malformed", detail: "`transform` without a payload" }],
    [
      "answers with a payload that is not JSON",
      { kind: "failed", cause: "malformed", detail: "`transform` with a payload that is not JSON" },
    ],
  ])("a transformer that %s", async (does, outcome) => {
    const host = await hostOf(does, { role: "transformer" });
    expect(await outcomeOf(host)).toEqual(outcome);
    await host.kill();
  });

  test("an observer that blocks", async () => {
    const host = await hostOf("blocks", { role: "observer" });
    const detail = "the role `observer` may not answer `block`";
    expect(await outcomeOf(host)).toEqual({ kind: "failed", cause: "malformed", detail });
    await host.kill();
  });
});

describe("a batch", () => {
  test("goes on after allow and block, and ends after a transform or a failure", async () => {
    const host = await hosts.open({ deadlines: true });
    const load = (name: string, does: Behaviour) => loadPuppet(host, does, { name, role: "transformer" });
    await load("allow", "allows");
    await load("block", "blocks");
    await load("mark", "returns the payload with a mark");
    await load("trap", "traps");
    const order = async (...hooks: string[]) => (await ask(host, { hooks })).map((event) => event.hook);
    expect(await order("allow", "block", "mark", "allow")).toEqual(["allow", "block", "mark"]);
    expect(await order("allow", "trap", "block")).toEqual(["allow", "trap"]);
    expect(await order()).toEqual([]);
    await host.kill();
  });

  test("of a hook that was not loaded is a bug of the caller", async () => {
    const host = await hosts.open({ deadlines: true });
    expect(() => host.begin({ phase: "audit", payload: "{}", hooks: ["nobody"], now: 0, capsules: {} })).toThrow(
      "was not loaded",
    );
    await host.kill();
  });
});

describe("the process", () => {
  test("reads its input blocking, however long nothing comes", async () => {
    const host = await hosts.open({ deadlines: true });
    expect(await loadPuppet(host, "allows")).toMatchObject({ ok: true });
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
    // The flags belong to the pipe, whoever stands around Node: O_NONBLOCK of open(2) is not among them.
    const flags = children.map((pid) => /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/0`, "utf8"))?.[1]);
    for (const flag of flags) expect(Number.parseInt(flag ?? "", 8) & 0o4000).toBe(0);
    await host.kill();
  });

  test("dies: the fault names the hook, and every later wait fails at once", async () => {
    const host = await hostOf("sleeps for ever");
    const session = host.begin({ phase: "audit", payload: "{}", hooks: ["hook"], now: 0, capsules: {} });
    await session.next();
    await host.kill();
    await expect(session.next()).rejects.toMatchObject({ fault: "host-died", hook: "hook" });
    await expect(outcomeOf(host)).rejects.toMatchObject({ fault: "host-died", hook: "hook" });
    await expect(loadPuppet(host, "allows")).rejects.toMatchObject({ fault: "host-died", hook: "hook" });
    await host.kill();
  });

  test("that answered in time is not killed because we were busy", async () => {
    const host = await hostOf("allows", { limits: { ...LIMITS, deadlineMs: 200 } });
    const session = host.begin({ phase: "audit", payload: "{}", hooks: ["hook"], now: 0, capsules: {} });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    expect(await session.next()).toMatchObject({ outcome: { decision: "allow" } });
    await host.kill();
  });

  test("of a run that is replayed outlives the deadlines of its hooks", async () => {
    const host = await hosts.open({ deadlines: false });
    await loadPuppet(host, "sleeps for ever", { limits: { ...LIMITS, deadlineMs: 1 } });
    const session = host.begin({ phase: "audit", payload: "{}", hooks: ["hook"], now: 0, capsules: {} });
    for (let n = 0; n < 3; n += 1) {
      expect(await session.next()).toMatchObject({ call: "sleep" });
      session.answer({ ok: null });
    }
    await host.kill();
  });

  test.each<[string, WatHook, object]>([
    [
      "refuses its configuration",
      // An error with the text `fine`.
      { fields: verdict(2000, { tag: 1, decision: 1100, address: 4, length: 0 }), configure: "(i32.const 2000)" },
      { cause: "error", detail: "fine" },
    ],
    ["traps in `configure`", { configure: "(unreachable)" }, { cause: "trap", detail: "unreachable" }],
    [
      "traps in its start function",
      { fields: "(func $s (unreachable)) (start $s)" },
      { cause: "trap", detail: "unreachable" },
    ],
    [
      "makes a hostcall in `configure`",
      {
        imports: '(import "pinion:hook/host@1.0.0" "now" (func $now (result i64)))',
        configure: "(drop (call $now)) (i32.const 1000)",
      },
      { cause: "error", detail: "a hostcall outside `handle`" },
    ],
  ])("a hook that %s is not loaded, and the host goes on", async (_, parts, failure) => {
    const host = await hostOf("allows", { name: "witness" });
    expect(await load(host, await buildWat(watHook(parts)))).toMatchObject({ ok: false, ...failure });
    expect(await outcomeOf(host, { hooks: ["witness"] })).toMatchObject({ decision: "allow" });
    await host.kill();
  });

  test("bytes that are not the pinned component are not looked at", async () => {
    const host = await hosts.open({ deadlines: true });
    const bytes = await buildPuppet();
    const loading = host.load({ hook: pinnedHook(bytes), bytes: bytes.subarray(1), seed: SEED });
    await expect(loading).rejects.toMatchObject({ code: "component-digest" });
    await host.kill();
  });
});

describe("the pool", () => {
  test("opens so many hosts at a time, and the next one when one is gone", async () => {
    const few = testHosts({ most: 1, spares: 1 });
    const first = await few.open({ deadlines: true });
    let opened = false;
    const second = few.open({ deadlines: true }).then((host) => {
      opened = true;
      return host;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(opened).toBe(false);
    await first.kill();
    expect((await second).alive).toBe(true);
    await few.close();
  });

  test("serves those who wait in their order, and who gives up has no turn", async () => {
    const few = testHosts({ most: 1 });
    const first = await few.open({ deadlines: true });
    const order: string[] = [];
    const waits = (name: string, signal?: AbortSignal) =>
      few.open({ deadlines: true, ...(signal ? { signal } : {}) }).then((host) => {
        order.push(name);
        return host.kill();
      });
    const impatient = new AbortController();
    const early = waits("early");
    const gaveUp = waits("impatient", impatient.signal);
    const late = waits("late");
    impatient.abort();
    await expect(gaveUp).rejects.toMatchObject({ code: "host-wait-interrupted" });
    await expect(waits("too late", impatient.signal)).rejects.toMatchObject({ code: "host-wait-interrupted" });
    await first.kill();
    await Promise.all([early, late]);
    expect(order).toEqual(["early", "late"]);
    await few.close();
  });

  test("many who each open two more on the way all get through two places", async () => {
    const few = testHosts({ most: 2 });
    let inUse = 0;
    let most = 0;
    const one = async () => {
      const base = await few.open({ deadlines: true });
      inUse += 1;
      most = Math.max(most, inUse);
      const child = await few.open({ deadlines: true, nested: true });
      const grandchild = await few.open({ deadlines: true, nested: true });
      for (const host of [grandchild, child, base]) {
        expect(host.alive).toBe(true);
        await host.kill();
      }
      inUse -= 1;
    };
    await Promise.all(Array.from({ length: runs(15, 400) }, one));
    expect(most).toBeLessThanOrEqual(2);
    await few.close();
  });

  test("a spare is replaced when it is taken, unless nobody will want another", async () => {
    const once = testHosts({ spares: 1, restock: false });
    const restocked = testHosts({ spares: 1 });
    await once.layers();
    await restocked.layers();
    const before = children().length;
    const hosts = [await once.open({ deadlines: true })];
    expect(children()).toHaveLength(before);
    hosts.push(await restocked.open({ deadlines: true }));
    expect(children()).toHaveLength(before + 1);
    await Promise.all([once.close(), restocked.close()]);
    expect(hosts.map((host) => host.alive)).toEqual([false, false]);
  });

  test("closing waits for a spare that is still coming up, and leaves nothing behind", async () => {
    const before = children().length;
    for (let n = 0; n < 5; n += 1) {
      const hosts = testHosts({ spares: 2 });
      await new Promise((resolve) => setTimeout(resolve, n * 10));
      await hosts.close();
    }
    expect(children()).toHaveLength(before);
  });

  test("a spare keeps nobody from ending", async () => {
    const script = `
      import { testHosts } from "${new URL("../support/guests.ts", import.meta.url).href}";
      await testHosts({ spares: 1 }).layers();`;
    const node = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", script];
    await promisify(execFile)(process.execPath, node, { timeout: 30_000 });
  });

  test("a host takes hooks of its tier only", async () => {
    const host = await hosts.open({ deadlines: true, tier: "trusted" });
    expect(await loadPuppet(host, "allows", { tier: "trusted" })).toMatchObject({ ok: true });
    await expect(loadPuppet(host, "allows", { name: "other" })).rejects.toMatchObject({ code: "tiers-mixed" });
    expect(() => host.begin({ phase: "audit", payload: "{}", hooks: ["hook", "other"], now: 0, capsules: {} })).toThrow(
      "was not loaded",
    );
    await host.kill();
  });

  test("closing kills everything and lets nobody in", async () => {
    const closing = testHosts({ spares: 2, most: 1 });
    const host = await closing.open({ deadlines: true });
    const waiting = closing.open({ deadlines: true });
    waiting.catch(() => undefined);
    await closing.close();
    expect(host.alive).toBe(false);
    await expect(waiting).rejects.toMatchObject({ fault: "host-died" });
    await expect(closing.open({ deadlines: true })).rejects.toMatchObject({ fault: "host-died" });
  });

  test("closing does not wait for a component that is being read", async () => {
    const cacheDir = await mkdtemp(join(tmpdir(), "pinion-closing-"));
    const closing = testHosts({ cacheDir });
    const host = await closing.open({ deadlines: true });
    const loading = loadPuppet(host, "allows").catch((error: unknown) => error);
    await new Promise((resolve) => setImmediate(resolve));
    await closing.close();
    expect(await loading).toMatchObject({ fault: "host-died", hook: "hook" });
    await rm(cacheDir, { recursive: true });
  });

  test("a Node that is not there is a host that died", async () => {
    const wrong = testHosts({ node: "/nonexistent/node" });
    const host = await wrong.open({ deadlines: true });
    await expect(loadPuppet(host, "allows")).rejects.toMatchObject({ fault: "host-died" });
    await wrong.close();
  });

  test("nothing outlives a parent that is killed while a guest loops", async () => {
    const script = `
      import { testHosts, loadPuppet } from "${new URL("../support/guests.ts", import.meta.url).href}";
      const hosts = testHosts({ spares: 1 });
      const host = await hosts.open({ deadlines: true });
      await loadPuppet(host, "never returns");
      host.begin({ phase: "audit", payload: "{}", hooks: ["hook"], now: 0, capsules: {} }).next().catch(() => undefined);
      const { readFileSync } = await import("node:fs");
      const children = readFileSync("/proc/self/task/" + process.pid + "/children", "utf8").trim();
      process.stdout.write(children);
      setTimeout(() => process.kill(process.pid, "SIGKILL"), 200);`;
    const run = promisify(execFile)(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      "--input-type=module",
      "-e",
      script,
    ]);
    const { stdout } = await run.catch((error: { stdout: string }) => error);
    const pids = stdout.trim().split(" ");
    expect(pids.length).toBeGreaterThanOrEqual(2);
    await expect.poll(() => pids.filter(isRunning), { timeout: 5000 }).toEqual([]);
  });
});

/** Processes that this one has started. */
function children(): readonly string[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ").filter(isRunning);
}

function isRunning(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
