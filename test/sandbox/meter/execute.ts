import { crc32 } from "node:zlib";
import { type WasmGlobal, type WasmInstance, type WasmMemory, type WasmTable, wasm } from "./engine.ts";
import { BUDGET } from "./generate.ts";
import { type Extern, HOST_VALUES, type Interface } from "./interface.ts";
import type { ValueType } from "./opcodes.ts";
import { NUMBERS } from "./plan.ts";
import { Random } from "./random.ts";

/** What can be seen of one call, or of the instantiation, which comes first. */
export interface Step {
  readonly call: string;
  /** The results, or the message of what was thrown. */
  readonly outcome: string;
  readonly trapped: boolean;
  /** Calls of imported functions, with their arguments. */
  readonly log: readonly string[];
  /** Exported globals, tables and memories after it. */
  readonly state: readonly string[];
}
export interface Ran {
  readonly step: Step;
  /** None when the instantiation trapped. */
  readonly instance: WasmInstance | undefined;
}

export interface Execution {
  readonly bytes: Uint8Array;
  readonly face: Interface;
  readonly seed: number;
  /** Imports beside those of `face`. */
  readonly extra: object;
  /** An export to call after the instantiation, as if it were a part of it. */
  readonly start?: string;
}

const ROUNDS = 2;
const BUDGETS = [0, 10, 60, 300, 300];

/**
 * Instantiates a module and calls its exported functions with arguments drawn from the seed, one after the other, also after
 * traps; yields after each. Host functions give answers that depend on nothing but what happened before.
 */
export function* execute({ bytes, face, seed, extra, start }: Execution): Generator<Ran> {
  const random = new Random(seed);
  const log: string[] = [];
  const observe = (call: string, work: () => unknown, state: () => readonly string[]): Step => {
    const from = log.length;
    let outcome: string;
    let trapped = false;
    try {
      outcome = show(work());
    } catch (error) {
      outcome = error instanceof Error ? error.message : show(error);
      trapped = true;
    }
    return { call, outcome, trapped, log: log.slice(from), state: state() };
  };

  const module = new wasm.Module(bytes);
  let instance: WasmInstance | undefined;
  const imports = { ...hostImports(face, log), ...extra };
  const first = observe(
    "instantiation",
    () => {
      instance = new wasm.Instance(module, imports);
      const begin = start === undefined ? undefined : instance.exports[start];
      if (typeof begin === "function") begin();
    },
    () => (instance ? stateOf(instance) : []),
  );
  yield { step: first, instance };
  if (!instance || first.trapped) return;

  const { exports } = instance;
  const budget = exports[BUDGET];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { name, type } of face.functions) {
      const callee = exports[name];
      if (typeof callee !== "function" || [...type.params, ...type.results].includes("v128")) continue;
      if (budget) (budget as WasmGlobal).value = random.pick(BUDGETS);
      const args = type.params.map((param) => argument(random, param, callee));
      const call = `${name}(${args.map(show).join(", ")})`;
      const living = instance;
      yield {
        step: observe(
          call,
          () => callee(...args),
          () => stateOf(living),
        ),
        instance,
      };
    }
  }
}

/** Every import as its type wants it. */
export function hostImports(face: Interface, log: string[]): Record<string, Record<string, unknown>> {
  const imports: Record<string, Record<string, unknown>> = {};
  for (const { module, name, extern } of face.imports) {
    imports[module] ??= {};
    imports[module][name] = hostValue(name, extern, log);
  }
  return imports;
}

function hostValue(name: string, extern: Extern, log: string[]): unknown {
  switch (extern.kind) {
    case "function":
      return (...args: unknown[]) => {
        log.push(`${name}(${args.map(show).join(", ")})`);
        if (log.length % 23 === 22) throw new Error("the host says no");
        const results = extern.type.results.map((type) => answer(type, log.length));
        return results.length > 1 ? results : results[0];
      };
    case "global": {
      const value = extern.type === "funcref" ? "anyfunc" : extern.type;
      return new wasm.Global({ value, mutable: extern.mutable }, hostConstant(extern.type));
    }
    case "memory":
      return new wasm.Memory(descriptor(extern.limits));
    case "table":
      return new wasm.Table({
        ...descriptor(extern.limits),
        element: extern.element === "externref" ? "externref" : "anyfunc",
      });
  }
}

function descriptor({ least, most }: { readonly least: number; readonly most: number | undefined }) {
  return most === undefined ? { initial: least } : { initial: least, maximum: most };
}

function hostConstant(type: ValueType): unknown {
  return type === "v128" ? undefined : HOST_VALUES[type];
}

function answer(type: ValueType, count: number): unknown {
  if (type === "i32") return count % 5;
  return type === "i64" ? BigInt(count % 7) : hostConstant(type);
}

const NUMBERS_TO_PASS = [0, 1, -1, 2, 7, 100, 255, 65_536, 2 ** 31 - 1, -(2 ** 31)];

function argument(random: Random, type: ValueType, callee: unknown): unknown {
  if (type === "funcref") return random.chance(50) ? callee : null;
  if (type === "externref") return random.pick([null, "one", "another"]);
  const value = random.pick(NUMBERS_TO_PASS);
  if (type === "i64") return BigInt(value) * (random.chance(20) ? 2n ** 32n : 1n);
  const float = type !== "i32" && (NUMBERS as readonly ValueType[]).includes(type);
  return float ? value * random.pick([1, 0.1, -0, Infinity]) || 0 : value;
}

function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  // An exported function is called by its index.
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value === "bigint") return `${value}n`;
  return Object.is(value, -0) ? "-0" : String(value);
}

function stateOf({ exports }: WasmInstance): string[] {
  return Object.entries(exports).flatMap(([name, value]) => {
    if (name.startsWith("naive:") || typeof value === "function") return [];
    if (isTable(value))
      return `${name}: ${Array.from({ length: value.length }, (_, at) => show(value.get(at))).join()}`;
    if (isMemory(value)) return `${name}: ${value.buffer.byteLength} ${crc32(new Uint8Array(value.buffer))}`;
    return `${name}: ${globalOf(value as WasmGlobal)}`;
  });
}

const isTable = (value: unknown): value is WasmTable =>
  typeof value === "object" && value !== null && "length" in value;
const isMemory = (value: unknown): value is WasmMemory =>
  typeof value === "object" && value !== null && "buffer" in value;

function globalOf(global: WasmGlobal): string {
  try {
    return show(global.value);
  } catch (error) {
    // JavaScript cannot see vectors.
    if (error instanceof TypeError) return "a vector";
    throw error;
  }
}
