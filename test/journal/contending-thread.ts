// A thread that tries to take a run's folder when the gate opens, and says whether it has it.
import { parentPort, workerData } from "node:worker_threads";
import { lock } from "../../src/journal/lock.ts";

const { folder, gate } = workerData as { readonly folder: string; readonly gate: Int32Array };
parentPort?.postMessage("ready");
Atomics.wait(gate, 0, 0);
try {
  lock(folder);
  parentPort?.postMessage("taken");
} catch (error) {
  parentPort?.postMessage(error instanceof Error && "code" in error ? String(error.code) : "odd");
}
