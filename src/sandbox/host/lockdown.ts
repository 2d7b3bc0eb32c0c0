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
  const roots: unknown[] = [new Map().entries(), generator(), asyncGenerator(), async () => undefined];
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (KEPT.has(name)) roots.push(Reflect.get(globalThis, name));
    else Reflect.deleteProperty(globalThis, name);
  }
  Reflect.set(globalThis, "console", { error: () => undefined, debug: () => undefined });
  harden([...roots, console]);
  Object.freeze(globalThis);
}

/** Freezes everything that can be reached, through properties and prototypes. */
function harden(roots: readonly unknown[]): void {
  const seen = new Set<unknown>([globalThis]);
  const left = [...roots];
  while (left.length > 0) {
    const value = left.pop();
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) continue;
    seen.add(value);
    Object.freeze(value);
    left.push(Object.getPrototypeOf(value));
    for (const key of Reflect.ownKeys(value)) {
      const { value: held, get, set } = Reflect.getOwnPropertyDescriptor(value, key) ?? {};
      left.push(held, get, set);
    }
  }
}

function* generator() {
  yield 0;
}

async function* asyncGenerator() {
  yield 0;
}
