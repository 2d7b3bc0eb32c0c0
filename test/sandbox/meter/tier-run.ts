/**
 * Runs metered modules in a process with V8 flags of its own. Each argument is a file with metered bytes and, behind a colon,
 * the original that `execute` is to run; or files with commas between: one after the other is instantiated, the first is what
 * the others import as `shared`, and the last one's `run` is called. Prints what came of each argument as a line of JSON.
 */
import { readFileSync } from "node:fs";
import { Gauge } from "../../../src/sandbox/host/gauge.ts";
import { type WasmInstance, wasm } from "./engine.ts";
import { depthOf, meterSteps, PLENTY } from "./gauged.ts";
import { interfaceOf } from "./interface.ts";

for (const argument of process.argv.slice(2)) {
  const [metered = "", original] = argument.split(":");
  const found = original
    ? meterSteps(readFileSync(metered), interfaceOf(readFileSync(original)), 1, PLENTY.fuel)
    : runOnce(metered.split(","));
  process.stdout.write(`${JSON.stringify(found)}\n`);
}

function runOnce(files: readonly string[]) {
  const gauge = new Gauge(PLENTY);
  gauge.fill();
  let shared: object = {};
  let last: WasmInstance | undefined;
  for (const file of files) {
    last = new wasm.Instance(new wasm.Module(readFileSync(file)), { ...gauge.imports, shared });
    if (file === files[0]) shared = last.exports;
  }
  const run = last?.exports.run;
  if (typeof run !== "function") throw new Error("nothing to run");
  let thrown: string | undefined;
  try {
    run();
  } catch (error) {
    thrown = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  return { thrown, used: gauge.used, depth: depthOf(gauge), failure: gauge.failure?.detail };
}
