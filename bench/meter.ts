/**
 * What metering costs: the same hook, in this process, with and without it. `node bench/meter.ts`
 *
 * A call of a TypeScript hook with 1 KB of JSON, computations inside QuickJS, a call of the compiled `redact`, and the speed of
 * the rewriter itself.
 */
import { readFileSync } from "node:fs";
import { adaptGlue, GLUE } from "../src/sandbox/build/glue.ts";
import { Instance } from "../src/sandbox/host/instance.ts";
import { compileModule } from "../src/sandbox/host/modules.ts";
import { nestedModules } from "../src/sandbox/inspect/nesting.ts";
import { meterModule } from "../src/sandbox/meter/meter.ts";
import { generateFiles } from "../test/support/glue.ts";
import { buildGuest, hookSource, LIMITS, SEED } from "../test/support/guests.ts";
import { interleaved, ms, p50, p99, say } from "./measure.ts";

const ROUNDS = 2000;

const PROGRAMS = {
  "parses its payload": "const call = JSON.parse(payload); return allow(call.call.tool);",
  "fibonacci of 20": "const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2)); return allow(String(fib(20)));",
  "sorts 2,000 strings": `const all = []; let x = 1;
    for (let i = 0; i < 2000; i++) { x = (x * 48271) % 2147483647; all.push(String(x)); }
    all.sort(); return allow(all[7]);`,
  "floating point":
    "let s = 0; for (let i = 1; i < 20000; i++) s += Math.sqrt(i) / (i + 0.5); return allow(String(s));",
  "regular expressions": `const text = payload.repeat(4); let n = 0;
    for (const _ of text.matchAll(/[a-z]+\\.[a-z]+|x{5,10}/g)) n++; return allow(String(n));`,
};
const PAYLOAD = JSON.stringify({ call: { tool: "file.read", arguments: { path: "x".repeat(970) } } });

/** One instance in this process, behind the same door as in a hook host. */
async function instanceOf(component: Uint8Array, metered: boolean): Promise<Instance> {
  const files = await generateFiles(component);
  const glue = adaptGlue(Buffer.from(files.get(GLUE) ?? "").toString("utf8"));
  files.delete(GLUE);
  const program = await import(
    `data:text/javascript;base64,${Buffer.from(`${glue}\n// ${metered}`).toString("base64")}`
  );
  const modules = new Map(
    [...files].map(([name, bytes]) => [name, compileModule(metered ? meterModule(bytes) : bytes)]),
  );
  const message = {
    kind: "load",
    hook: "hook",
    role: "transformer",
    instance: "run",
    limits: { ...LIMITS, fuel: 1e12, memoryPages: 2048 },
    config: "{}",
    seed: SEED,
    files: [],
  } as const;
  const ask = () => {
    throw new Error("nothing here needs an answer");
  };
  const { loaded, instance } = Instance.load({ message, program, modules, ask });
  if (!instance) throw new Error(JSON.stringify(loaded));
  return instance;
}

async function compare(name: string, component: Uint8Array, rounds: number): Promise<void> {
  const call = (instance: Instance) => () => {
    const { outcome } = instance.handle("pre-tool", PAYLOAD, { now: 0, capsules: {} });
    if (outcome.kind !== "verdict") throw new Error(outcome.detail);
  };
  const bare = await instanceOf(component, false);
  const metered = await instanceOf(component, true);
  const { fuel } = metered.handle("pre-tool", PAYLOAD, { now: 0, capsules: {} });
  const [without, counted] = await interleaved(
    [
      { name: "bare", call: call(bare) },
      { name: "metered", call: call(metered) },
    ],
    rounds,
    Math.min(rounds, 500),
  );
  if (!without || !counted) throw new Error("nothing was measured");
  const ratio = (p50(counted) / p50(without)).toFixed(2);
  const speed = (fuel / p50(counted) / 1e6).toFixed(2);
  say(
    name,
    `bare ${ms(p50(without)).padStart(9)}   metered ${ms(p50(counted)).padStart(9)} (p99 ${ms(p99(counted))})   ${ratio} x   ${speed} G instructions/s`,
  );
}

console.log(
  `node ${process.version}, ${process.arch}; p50 of single calls, interleaved; payload ${PAYLOAD.length} bytes`,
);
for (const [name, statements] of Object.entries(PROGRAMS)) {
  const rounds = name === "parses its payload" ? ROUNDS : 200;
  await compare(`TypeScript hook: ${name}`, await buildGuest(hookSource(statements)), rounds);
}
await compare("compiled hook: redact", readFileSync("hooks/redact/redact.wasm"), ROUNDS);

const largest = nestedModules(readFileSync("hooks/audit/audit.wasm"))
  .map((module) => Uint8Array.from(module))
  .toSorted((a, b) => b.length - a.length)[0];
if (!largest) throw new Error("no core module in the hook");
const [rewriting] = await interleaved([{ name: "rewriting", call: () => meterModule(largest) }], 40, 10);
if (!rewriting) throw new Error("nothing was measured");
const out = meterModule(largest).length;
say(
  `rewriting ${(largest.length / 1024).toFixed(0)} KiB, warm`,
  `${ms(p50(rewriting))}   ${(largest.length / p50(rewriting) / 1000).toFixed(0)} MB/s   size ${(out / largest.length).toFixed(2)} x`,
);
