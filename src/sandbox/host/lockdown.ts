import { engine } from "../wasm/engine.ts";

/** What generated code needs of the global object; everything else is taken away. */
const KEPT = new Set([
  "globalThis",
  "undefined",
  "NaN",
  "Infinity",
  "Object",
  "Function",
  "Array",
  "ArrayBuffer",
  "DataView",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int8Array",
  "Uint16Array",
  "Int16Array",
  "Uint32Array",
  "Int32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
  "BigInt",
  "Boolean",
  "Number",
  "String",
  "Symbol",
  "Map",
  "Set",
  "WeakMap",
  "WeakSet",
  "Promise",
  "Proxy",
  "Reflect",
  "JSON",
  "Math",
  "RegExp",
  "Error",
  "TypeError",
  "RangeError",
  "SyntaxError",
  "ReferenceError",
  "EvalError",
  "URIError",
  "AggregateError",
  "TextDecoder",
  "TextEncoder",
  "WebAssembly",
  "queueMicrotask",
]);

/**
 * Empties the global object and freezes what remains, so that the generated code of one component cannot change what that
 * of another sees, and has neither timers nor finalizers to act after its call. What the host itself needs it has taken before.
 */
export function lockDown(): void {
  // Nobody reads the stacks of errors in generated code, and they are long.
  Error.stackTraceLimit = 0;
  const frozen: unknown[] = [];
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (KEPT.has(name)) frozen.push(Reflect.get(globalThis, name));
    else Reflect.deleteProperty(globalThis, name);
  }
  Reflect.set(globalThis, "console", Object.freeze({ error: () => undefined, debug: () => undefined }));
  const iterator = Object.getPrototypeOf(Object.getPrototypeOf(new Map().entries()));
  for (const value of [...frozen, Object.getPrototypeOf(Uint8Array), iterator]) freeze(value);
  for (const value of Object.values(Object.getOwnPropertyDescriptors(engine))) freeze(value.value);
  Object.freeze(globalThis);
}

function freeze(value: unknown): void {
  if ((typeof value !== "object" && typeof value !== "function") || value === null || value === globalThis) return;
  const prototype: unknown = Reflect.get(value, "prototype");
  if (typeof prototype === "object" && prototype !== null) Object.freeze(prototype);
  Object.freeze(value);
}
