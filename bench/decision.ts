/**
 * One gate decision with 1 KB of JSON by a TypeScript hook: in this process, through a hook host, through a bare pipe, and as a
 * command that is spawned for each decision (`sh`, `python3`, `node`); then in bulk, sent ahead as a replay can.
 * `node bench/decision.ts`
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { adaptGlue, GLUE } from "../src/sandbox/build/glue.ts";
import { Instance } from "../src/sandbox/host/instance.ts";
import { compileModule } from "../src/sandbox/host/modules.ts";
import { meterModule } from "../src/sandbox/meter/meter.ts";
import { generateFiles } from "../test/support/glue.ts";
import { ask, buildGuest, hookSource, LIMITS, load, SEED, testHosts } from "../test/support/guests.ts";
import { interleaved, ms, p50, quantile, report, say } from "./measure.ts";

const ROUNDS = 3000;
/** V8 takes thousands of calls until QuickJS is compiled as well as it will be. */
const WARM_UP = 15_000;
const SPAWNS = 60;
const BULK = 20_000;
/** Decisions in flight at a time. */
const WINDOW = 64;

const SOURCE = hookSource(`const call = JSON.parse(payload);
  return call.tool === "file.read" ? allow("reading is allowed") : block("only reading is allowed");`);
const PAYLOAD = JSON.stringify({ tool: "file.read", arguments: { path: "x".repeat(990) } });

const COMMANDS = {
  sh: ["sh", "-c", 'read -r call; case $call in *file.read*) echo "{}";; *) exit 2;; esac'],
  python3: [
    "python3",
    "-c",
    'import json,sys; print(json.dumps({"allow": json.load(sys.stdin)["tool"] == "file.read"}))',
  ],
  node: [
    process.execPath,
    "-e",
    'console.log(JSON.stringify({ allow: JSON.parse(require("fs").readFileSync(0, "utf8")).tool === "file.read" }))',
  ],
} as const;

/** A command hook: the call on its standard input, the answer on its standard output, its exit awaited. */
async function decide([command, ...args]: readonly string[]): Promise<void> {
  const child = spawn(command ?? "", args, { stdio: ["pipe", "pipe", "ignore"] });
  let answer = "";
  child.stdout.on("data", (chunk) => {
    answer += chunk;
  });
  child.stdin.end(`${PAYLOAD}\n`);
  const [code] = await once(child, "close");
  if (code !== 0 || answer === "") throw new Error(`${command} gave no answer`);
}

/** A child that sends back what it gets, after some work, with blocking reads and writes as in a hook host. */
function echo(workNs: number): { readonly child: ChildProcess; readonly call: () => Promise<void> } {
  const loop = `const fs = require("fs"); const b = Buffer.alloc(65536);
    for (;;) { const n = fs.readSync(0, b); if (n === 0) break;
      for (const until = process.hrtime.bigint() + ${workNs}n; process.hrtime.bigint() < until; );
      for (let at = 0; at < n; ) at += fs.writeSync(1, b, at, n - at); }`;
  const child = spawn(process.execPath, ["-e", loop], { stdio: ["pipe", "pipe", "inherit"] });
  const bytes = Buffer.from(PAYLOAD);
  return {
    child,
    call: () =>
      new Promise((done) => {
        let missing = bytes.length;
        const receive = (chunk: Buffer) => {
          missing -= chunk.length;
          if (missing > 0) return;
          child.stdout?.off("data", receive);
          done();
        };
        child.stdout?.on("data", receive);
        child.stdin?.write(bytes);
      }),
  };
}

async function inThread(component: Uint8Array): Promise<() => void> {
  const files = await generateFiles(component);
  const glue = Buffer.from(adaptGlue(Buffer.from(files.get(GLUE) ?? "").toString("utf8"))).toString("base64");
  files.delete(GLUE);
  const { instance, loaded } = Instance.load({
    message: {
      kind: "load",
      hook: "hook",
      role: "gate",
      instance: "run",
      limits: LIMITS,
      config: "{}",
      seed: SEED,
      files: [],
    },
    program: await import(`data:text/javascript;base64,${glue}`),
    modules: new Map([...files].map(([name, bytes]) => [name, compileModule(meterModule(bytes))])),
    ask: () => {
      throw new Error("nothing here needs an answer");
    },
  });
  if (!instance) throw new Error(JSON.stringify(loaded));
  return () => {
    const { outcome } = instance.handle("pre-tool", PAYLOAD, { now: 0, capsules: {} });
    if (outcome.kind !== "verdict") throw new Error(outcome.detail);
  };
}

function residentMB(): string {
  return (process.memoryUsage().rss / 1024 / 1024).toFixed(0);
}

const component = await buildGuest(SOURCE);
const hosts = testHosts({ spares: 0 });
const host = await hosts.open({ deadlines: true });
const loaded = await load(host, component);
if (!loaded.ok) throw new Error(loaded.detail);
const pipe = echo(0);
const working = echo(30_000);
console.log(
  `node ${process.version}, ${process.arch}; payload ${PAYLOAD.length} bytes; this process ${residentMB()} MB`,
);

const measured = await interleaved(
  [
    { name: "in this process", call: await inThread(component) },
    { name: "through the hook host", call: () => ask(host, { payload: PAYLOAD }) },
    { name: "bare pipe echo", call: pipe.call },
    { name: "pipe echo with 30 µs of work in the child", call: working.call },
  ],
  ROUNDS,
  WARM_UP,
);
for (const one of measured) report(one);
const [thread, confined, bare, worked] = measured.map(p50);
if (thread === undefined || confined === undefined || bare === undefined || worked === undefined)
  throw new Error("nothing was measured");
say("hook host / pipe echo with as much work in the child", `${(confined / worked).toFixed(2)} x`);
say("(hook host − in this process) / bare pipe echo", `${((confined - thread) / bare).toFixed(2)} x`);

const spawned = await interleaved(
  [
    { name: "hook host, between spawns", call: () => ask(host, { payload: PAYLOAD }) },
    ...Object.entries(COMMANDS).map(([name, command]) => ({ name: `spawned ${name}`, call: () => decide(command) })),
  ],
  SPAWNS,
  5,
);
for (const one of spawned.slice(1)) {
  report(one);
  say(`  against the hook host`, `${(p50(one) / confined).toFixed(0)} x slower`);
}

/** CPU time of a process in ms, from `/proc`; ticks are 10 ms. */
function cpuOf(pid: number | string): number {
  const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const words = fields.split(" ");
  return (Number(words[11]) + Number(words[12])) * 10;
}

const payloads = Array.from({ length: BULK }, () => PAYLOAD);
const inFlight: Promise<void>[] = [];
const own = cpuOf("self");
const started = performance.now();
for (const payload of payloads) {
  if (inFlight.length >= WINDOW) await inFlight.shift();
  const session = host.beginAhead({ phase: "pre-tool", payload, hooks: ["hook"], now: 0, capsules: {} });
  inFlight.push(
    session.next().then((event) => {
      if (event?.kind !== "result" || event.outcome.kind !== "verdict") throw new Error("no verdict");
    }),
  );
}
await Promise.all(inFlight);
const took = performance.now() - started;
const used = cpuOf("self") - own;
say(`in bulk, ${WINDOW} sent ahead`, `${((BULK / took) * 1000).toFixed(0)} decisions/s, ${ms(took / BULK)} each`);
say("  CPU of this process for each", ms(used / BULK));
pipe.child.kill();
working.child.kill();
await hosts.close();
say("slowest percent of decisions through the hook host begins at", ms(quantile(measured[1]?.times ?? [], 0.99)));
