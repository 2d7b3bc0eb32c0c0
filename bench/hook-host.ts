/**
 * What a boundary costs: the time until a hook host is up, the first decision of a run, batches of hooks with 1 KB of
 * payload, memory, and how soon a guest that spins is gone. `node bench/hook-host.ts`
 */
import { readFileSync } from "node:fs";
import type { HookHost, HookHosts } from "../src/model/hook.ts";
import { ask, buildGuest, hookSource, LIMITS, load, testHosts } from "../test/support/guests.ts";
import { hookHostPids } from "../test/support/processes.ts";

const BATCHES = 5000;
const WARM_UP = 500;
const STARTS = 30;
const DEADLINE_MS = 100;
const NAMES = ["a", "b", "c", "d"];
const payload = JSON.stringify({ tool: "file.read", arguments: { path: "x".repeat(990) } });

const say = (what: string, value: string) => console.log(`${what.padEnd(58)} ${value}`);
const ms = (value: number) => `${value.toFixed(value < 10 ? 3 : 0)} ms`;

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly time: number }> {
  const start = performance.now();
  const value = await work();
  return { value, time: performance.now() - start };
}

function percentiles(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? 0;
  return `p50 ${ms(at(0.5))}   p99 ${ms(at(0.99))}`;
}

/** Private pages of our only hook host, in MB. */
function privateMemory(): string {
  const [host] = hookHostPids();
  const rollup = readFileSync(`/proc/${host}/smaps_rollup`, "utf8");
  const kilobytes = [...rollup.matchAll(/^Private_\w+:\s+(\d+) kB/gm)].reduce((sum, [, kb]) => sum + Number(kb), 0);
  return `${(kilobytes / 1024).toFixed(1)} MB`;
}

async function batches(host: HookHost, hooks: readonly string[]): Promise<void> {
  const times: number[] = [];
  for (let n = 0; n < BATCHES + WARM_UP; n += 1) {
    const { time } = await timed(() => ask(host, { payload, hooks }));
    if (n === 0) say(`first batch of ${hooks.length}`, ms(time));
    if (n >= WARM_UP) times.push(time);
  }
  say(`batch of ${hooks.length} (${hooks.join(", ")})`, percentiles(times));
}

/** From a spare that is up to the first decision of so many hooks, and what memory they take then and later. */
async function firstDecisions(kind: string, guests: readonly Uint8Array[]): Promise<void> {
  const times: number[] = [];
  const names = NAMES.slice(0, guests.length);
  for (let n = 0; n < STARTS; n += 1) {
    const hosts = testHosts({ spares: 1, restock: false });
    await hosts.layers();
    const { value: host, time } = await timed(async () => {
      const host = await hosts.open({ deadlines: true });
      for (const [i, guest] of guests.entries()) await load(host, guest, { name: names[i] ?? "" });
      await ask(host, { payload, hooks: names });
      return host;
    });
    times.push(time);
    if (n === STARTS - 1) {
      const first = privateMemory();
      for (let call = 0; call < 2000; call += 1) await ask(host, { payload, hooks: names });
      say(`private memory, ${names.length} ${kind}`, `${first} at first, ${privateMemory()} after 2,000 decisions`);
    }
    await hosts.close();
  }
  say(`first decision of a run, ${names.length} ${kind}, spare up`, percentiles(times));
}

/** From the deadline of a guest that spins until its process is gone. */
async function spinning(): Promise<void> {
  const guest = await buildGuest(hookSource("for (;;) {}"));
  const times: number[] = [];
  const hosts = testHosts({ spares: 2 });
  for (let n = 0; n < STARTS * 2; n += 1) {
    const host = await hosts.open({ deadlines: true });
    await load(host, guest, { limits: { ...LIMITS, deadlineMs: DEADLINE_MS, fuel: 2 ** 40 } });
    const { time } = await timed(async () => {
      await ask(host).catch(() => undefined);
      await host.kill();
    });
    times.push(time - DEADLINE_MS);
  }
  say("a spinning guest is gone after its deadline", percentiles(times));
  await hosts.close();
}

async function starts(): Promise<void> {
  const times: number[] = [];
  for (let n = 0; n < STARTS; n += 1) {
    const hosts = testHosts();
    const { time } = await timed(() => hosts.open({ deadlines: true }));
    times.push(time);
    await hosts.close();
  }
  say("start a hook host, until it is up", percentiles(times));
}

/** Loads each once, so that the cache has it. */
async function warm(hosts: HookHosts, guests: readonly Uint8Array[]): Promise<void> {
  for (const guest of guests) {
    const host = await hosts.open({ deadlines: true });
    await load(host, guest);
    await host.kill();
  }
}

const bare = await Promise.all(
  NAMES.map((name) =>
    buildGuest(hookSource(`const call = JSON.parse(payload); return allow("${name} " + call.tool);`)),
  ),
);
const talkative = await buildGuest(
  hookSource(`const call = JSON.parse(payload);
  host.emitEvent("seen", JSON.stringify({ tool: call.tool }));
  host.readCapsule("risk");
  return allow(call.tool);`),
);
const compiled = readFileSync(new URL("../hooks/redact/redact.wasm", import.meta.url));
const hosts = testHosts();
await warm(hosts, [...bare, talkative, compiled]);

say("node", `${process.version}, ${process.arch}`);
say("confined by", (await hosts.layers()).flatMap(({ name, active }) => (active ? [name] : [])).join(", "));
await hosts.close();
await starts();
await firstDecisions("TypeScript hooks", bare.slice(0, 1));
await firstDecisions("TypeScript hooks", bare);
await firstDecisions("compiled guests", [compiled, compiled, compiled, compiled]);
await spinning();

const running = testHosts();
const host = await running.open({ deadlines: true });
for (const [i, name] of NAMES.slice(0, 3).entries()) await load(host, bare[i] ?? talkative, { name });
for (const name of ["e", "f", "g"]) await load(host, talkative, { name });
await batches(host, ["a"]);
await batches(host, ["a", "b", "c"]);
await batches(host, ["e", "f", "g"]);
await running.close();
