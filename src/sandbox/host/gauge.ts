import { type CoreGlobal, engine } from "../wasm/engine.ts";
import { DEPTH_BITS, DEPTH_LIMIT, DEPTH_START, METER, SYSTEM_EXHAUSTED } from "../wasm/metering.ts";
import type { Failure } from "./door.ts";

export interface Allowance {
  readonly fuel: number;
  readonly memoryPages: number;
  readonly tableEntries: number;
}

const BITS = BigInt(DEPTH_BITS);
const COUNT = 0x7fff_ffff;

/** The machine has no memory or stack left for what the limits allow. Not recomputable: the process ends over it. */
export class Exhausted extends Error {}

/** What the metered code of one component instance may still use, and what it has used. */
export class Gauge {
  readonly #allowed: Allowance;
  readonly #fuel: CoreGlobal<bigint>;
  readonly #pages: CoreGlobal<number>;
  readonly #entries: CoreGlobal<number>;
  /** What core modules import. */
  readonly imports: Readonly<Record<string, object>>;

  constructor(allowed: Allowance) {
    this.#allowed = allowed;
    this.#fuel = new engine.Global({ value: "i64", mutable: true }, 0n);
    this.#pages = new engine.Global({ value: "i32", mutable: true }, allowed.memoryPages);
    this.#entries = new engine.Global({ value: "i32", mutable: true }, allowed.tableEntries);
    this.imports = { [METER]: { fuel: this.#fuel, pages: this.#pages, entries: this.#entries } };
  }

  /** A call begins. */
  fill(): void {
    this.#fuel.value = (BigInt(this.#allowed.fuel) << BITS) | BigInt(DEPTH_START);
  }

  /** Instructions since `fill`. Throws `Exhausted`. */
  get used(): number {
    const { value } = this.#fuel;
    if (value === SYSTEM_EXHAUSTED) throw new Exhausted("the system has no memory left");
    return this.#allowed.fuel - Number(value >> BITS);
  }

  /** Why metered code stopped, if it was the meter that stopped it. Throws `Exhausted`. */
  get failure(): Failure | undefined {
    const used = this.used;
    if (used > this.#allowed.fuel) return exceeded("fuel", this.#allowed.fuel, used);
    const depth = Number(this.#fuel.value & (2n ** BITS - 1n));
    if (depth >= DEPTH_LIMIT) return exceeded("callDepth", DEPTH_LIMIT - DEPTH_START, depth - DEPTH_START);
    return undefined;
  }

  /** The limit at which growing was denied: that is going over it, whatever the guest made of the answer. */
  get denied(): Failure | undefined {
    const { memoryPages, tableEntries } = this.#allowed;
    if (this.#pages.value < 0) return ranOut("memoryPages", memoryPages, this.#pages.value & COUNT);
    if (this.#entries.value < 0) return ranOut("tableEntries", tableEntries, this.#entries.value & COUNT);
    return undefined;
  }

  /** Takes what the memories and tables of a core module start with; what is wrong with it, if it is too much. */
  take({ pages, entries }: { readonly pages: number; readonly entries: number }): Failure | undefined {
    const { memoryPages, tableEntries } = this.#allowed;
    const morePages = memoryPages - (this.#pages.value & COUNT) + pages;
    if (morePages > memoryPages) return exceeded("memoryPages", memoryPages, morePages);
    const moreEntries = tableEntries - (this.#entries.value & COUNT) + entries;
    if (moreEntries > tableEntries) return exceeded("tableEntries", tableEntries, moreEntries);
    this.#pages.value -= pages;
    this.#entries.value -= entries;
    return undefined;
  }
}

export function exceeded(name: string, allowed: number, used: number): Failure {
  return { cause: "limit", detail: `\`${name}\`: allowed ${allowed}, used ${used}` };
}

function ranOut(name: string, allowed: number, left: number): Failure {
  return { cause: "limit", detail: `\`${name}\`: allowed ${allowed}, used ${allowed - left} and asked for more` };
}
