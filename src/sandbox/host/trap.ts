/** Why a guest stopped, in words that do not depend on the machine or the version of V8. */
export type Trap =
  | "unreachable"
  | "memory access out of bounds"
  | "table access out of bounds"
  | "indirect call of a wrong function"
  | "integer division by zero"
  | "integer overflow"
  | "re-entered or used after a trap"
  | "an invalid value at the component's boundary"
  | "trap";

/** As V8 says it, and as the generated code does after it. */
const SAID: readonly (readonly [RegExp, Trap])[] = [
  [/unreachable/, "unreachable"],
  [
    /memory access.*out of bounds|out of bounds memory access|data segment.*out of bounds/,
    "memory access out of bounds",
  ],
  [/(?:table|element).*out of bounds/, "table access out of bounds"],
  [
    /signature mismatch|type mismatch|null function|uninitialized element|dereferencing a null/,
    "indirect call of a wrong function",
  ],
  [/(?:divide|remainder) by zero/, "integer division by zero"],
  [/unrepresentable|integer overflow|invalid conversion to integer/, "integer overflow"],
  [/cannot (?:enter|leave|block)|already (?:trapped|exited)/, "re-entered or used after a trap"],
];

/** The machine's stack or memory: where the limits allow to go on, this is no fault of the guest and differs by machine. */
const EXHAUSTION = /call stack|out of memory|could not allocate|cannot allocate|allocation failed/i;

export function isExhaustion(error: unknown): boolean {
  return error instanceof RangeError && EXHAUSTION.test(error.message);
}

/** Never a stack trace, never a text that the guest chose. */
export function trapOf(error: unknown): Trap {
  if (!(error instanceof Error)) return "trap";
  const known = SAID.find(([pattern]) => pattern.test(error.message))?.[1];
  if (known) return known;
  const boundary = error instanceof TypeError || error instanceof RangeError || error.message.startsWith("wasm trap:");
  return boundary ? "an invalid value at the component's boundary" : "trap";
}
