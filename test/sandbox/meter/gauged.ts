import { type Allowance, Gauge } from "../../../src/sandbox/host/gauge.ts";
import { DEPTH_BITS, DEPTH_START, MAX_FUEL, METER } from "../../../src/sandbox/wasm/metering.ts";
import type { WasmGlobal } from "./engine.ts";
import { execute, type Step } from "./execute.ts";
import type { Interface } from "./interface.ts";

export const PLENTY: Allowance = { fuel: MAX_FUEL, memoryPages: 10_000, tableEntries: 1_000_000 };

/** How deep calls are nested, in slots: 0 when none is open. */
export function depthOf(gauge: Gauge): number {
  const { fuel } = gauge.imports[METER] as { readonly fuel: WasmGlobal };
  return Number((fuel.value as bigint) & ((1n << BigInt(DEPTH_BITS)) - 1n)) - DEPTH_START;
}

export interface Metered {
  readonly step: Step;
  readonly used: number;
  readonly depth: number;
  /** The limit that stopped it. */
  readonly failure: string | undefined;
}

/** Runs metered bytes with this much fuel for each step, up to the first that a limit stops. */
export function meterSteps(bytes: Uint8Array, face: Interface, seed: number, fuel: number): Metered[] {
  const steps: Metered[] = [];
  const gauge = new Gauge({ ...PLENTY, fuel });
  gauge.fill();
  for (const { step } of execute({ bytes, face, seed, extra: gauge.imports })) {
    const failure = gauge.failure?.detail;
    steps.push({ step, used: gauge.used, depth: depthOf(gauge), failure });
    if (failure) break;
    gauge.fill();
  }
  return steps;
}
