/**
 * What a boundary costs: the time until a hook host is ready, loading a JavaScript hook, a batch of three with 1 KB of
 * payload, and memory. `node bench/hook-host.ts`
 */
import { readFileSync, readlinkSync } from "node:fs";
import type { HookHost } from "../src/model/hook.ts";
import { ask, buildGuest, hookSource, load, testHosts } from "../test/support/guests.ts";

const BATCHES = 5000;
const WARM_UP = 500;
const BARE = hookSource("const call = JSON.parse(payload); return allow(call.tool);");
const TALKATIVE = hookSource(`const call = JSON.parse(payload);
  host.emitEvent("seen", JSON.stringify({ tool: call.tool }));
  host.readCapsule("risk");
  return allow(call.tool);`);
const payload = JSON.stringify({ tool: "file.read", arguments: { path: "x".repeat(990) } });
const hosts = testHosts({ spares: 0 });

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

/** Private pages of our child processes, in MB. */
function privateMemory(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
  const node = readlinkSync("/proc/self/exe");
  const [host = ""] = children.filter((pid) => readlinkSync(`/proc/${pid}/exe`) === node);
  const rollup = readFileSync(`/proc/${host}/smaps_rollup`, "utf8");
  const kilobytes = [...rollup.matchAll(/^Private_\w+:\s+(\d+) kB/gm)].reduce((sum, [, kb]) => sum + Number(kb), 0);
  return kilobytes / 1024;
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

const bare = await buildGuest(BARE);
const talkative = await buildGuest(TALKATIVE);
await hosts.open({ deadlines: true }).then(async (host) => {
  for (const bytes of [bare, talkative]) await load(host, bytes);
  await host.kill();
});

say("node", `${process.version}, ${process.arch}`);
const host = await hosts.open({ deadlines: true });
const first = await timed(() => load(host, bare, { name: "a" }));
say("start a process and load a hook, cache warm", ms(first.time));
say("private memory with one hook", `${privateMemory().toFixed(0)} MB`);
for (const name of ["b", "c"]) {
  const { time } = await timed(() => load(host, bare, { name }));
  say("load one more, cache warm", ms(time));
}
for (const name of ["d", "e", "f"]) await load(host, talkative, { name });
await batches(host, ["a"]);
await batches(host, ["a", "b", "c"]);
await batches(host, ["d", "e", "f"]);
say("private memory with six hooks", `${privateMemory().toFixed(0)} MB`);
await hosts.close();
