/**
 * Runs metered modules in a process with V8 flags of its own. Arguments: files with metered bytes, an original one behind each
 * that is to be run by `execute`. Prints what came of each as a line of JSON.
 */
import { readFileSync } from "node:fs";
import { Gauge } from "../../../src/sandbox/host/gauge.ts";
import { wasm } from "./engine.ts";
import { depthOf, meterSteps, PLENTY } from "./gauged.ts";
import { interfaceOf } from "./interface.ts";

for (const argument of process.argv.slice(2)) {
  const [metered = "", original] = argument.split(":");
  const bytes = readFileSync(metered);
  const found = original ? meterSteps(bytes, interfaceOf(readFileSync(original)), 1, PLENTY.fuel) : runOnce(bytes);
  process.stdout.write(`${JSON.stringify(found)}\n`);
}

function runOnce(bytes: Uint8Array) {
  const gauge = new Gauge(PLENTY);
  gauge.fill();
  const instance = new wasm.Instance(new wasm.Module(bytes), gauge.imports);
  let thrown: string | undefined;
  try {
    (instance.exports.run as () => void)();
  } catch (error) {
    thrown = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  return { thrown, used: gauge.used, depth: depthOf(gauge), failure: gauge.failure?.detail };
}
