import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { type Allowance, Gauge } from "../../../src/sandbox/host/gauge.ts";
import { meterModule } from "../../../src/sandbox/meter/meter.ts";
import { type WasmInstance, wasm } from "./engine.ts";
import { depthOf, PLENTY } from "./gauged.ts";

export interface Call {
  readonly outcome: unknown;
  /** What was thrown. */
  readonly error: unknown;
  readonly used: number;
  readonly depth: number;
  readonly failure: string | undefined;
}

/** An instance of metered code in text, with a gauge of its own or a shared one. */
export class MeteredInstance {
  readonly gauge: Gauge;
  readonly instance: WasmInstance;

  constructor(bytes: Uint8Array, imports: object, gauge: Gauge) {
    this.gauge = gauge;
    gauge.fill();
    this.instance = new wasm.Instance(new wasm.Module(meterModule(bytes)), { ...imports, ...gauge.imports });
  }

  static async of(fields: string, options: { imports?: object; allowed?: Partial<Allowance>; gauge?: Gauge } = {}) {
    const gauge = options.gauge ?? new Gauge({ ...PLENTY, ...options.allowed });
    return new MeteredInstance(await parse(`(module ${fields})`), options.imports ?? {}, gauge);
  }

  /** Calls an export with the tank full. */
  call(name: string, ...args: readonly unknown[]): Call {
    const { gauge } = this;
    gauge.fill();
    let outcome: unknown;
    let error: unknown;
    try {
      outcome = (this.instance.exports[name] as (...args: readonly unknown[]) => unknown)(...args);
    } catch (thrown) {
      error = thrown;
    }
    return { outcome, error, used: gauge.used, depth: depthOf(gauge), failure: gauge.failure?.detail };
  }
}
