/** Why a guest stopped, in words that do not depend on the machine or the version of V8. */
export type Trap =
  | "unreachable"
  | "memory access out of bounds"
  | "table access out of bounds"
  | "indirect call of a wrong function"
  | "integer division by zero"
  | "integer overflow"
  | "call stack exhausted"
  | "re-entered or used after a trap"
  | "an invalid value at the component's boundary"
  | "trap";

const SAID: readonly (readonly [RegExp, Trap])[] = [
  [/^unreachable$/, "unreachable"],
  [/^(?:memory access|data segment) .*out of bounds|^memory access out of bounds/, "memory access out of bounds"],
  [/^(?:table index|table access|element segment|table initializer).*out of bounds/, "table access out of bounds"],
  [/signature mismatch|null function|dereferencing a null pointer/, "indirect call of a wrong function"],
  [/^(?:divide|remainder) by zero$/, "integer division by zero"],
  [/^(?:divide result|float) unrepresentable/, "integer overflow"],
  [/cannot (?:enter|leave|block)|already (?:trapped|exited)/, "re-entered or used after a trap"],
  [/^wasm trap: /, "an invalid value at the component's boundary"],
];

/** Never a stack trace, never a text that the guest chose. */
export function trapOf(error: unknown): Trap {
  if (!(error instanceof Error)) return "trap";
  if (error instanceof RangeError && /call stack/.test(error.message)) return "call stack exhausted";
  const known = SAID.find(([pattern]) => pattern.test(error.message))?.[1];
  if (known) return known;
  const glue = error instanceof TypeError || error instanceof RangeError;
  return glue ? "an invalid value at the component's boundary" : "trap";
}
