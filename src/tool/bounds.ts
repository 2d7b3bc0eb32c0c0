import type { Json } from "../model/json.ts";

/** Limits of the arguments of one call, before any schema looks at them. */
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_DEPTH = 32;
const MAX_VALUES = 100_000;

/** Names that mean something to JavaScript objects and nothing to any tool. */
const FORBIDDEN = new Set(["__proto__", "constructor", "prototype"]);

/** What is out of bounds about a JSON value, or undefined. Does not recurse, so that depth cannot exhaust the stack. */
export function outOfBounds(value: Json): string | undefined {
  let bytes = 0;
  let values = 0;
  const open: { readonly value: Json; readonly depth: number }[] = [{ value, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    values += 1;
    if (values > MAX_VALUES) return `the arguments hold more than ${MAX_VALUES} values`;
    if (next.depth > MAX_DEPTH) return `the arguments are nested more than ${MAX_DEPTH} levels deep`;
    if (typeof next.value === "string") {
      bytes += next.value.length;
      if (!next.value.isWellFormed()) return "a text holds half of a surrogate pair";
    }
    if (typeof next.value === "object" && next.value !== null) {
      for (const [key, inner] of Object.entries(next.value)) {
        if (!Array.isArray(next.value) && FORBIDDEN.has(key)) return `the field \`${key}\` is not known`;
        bytes += key.length;
        open.push({ value: inner, depth: next.depth + 1 });
      }
    }
    if (bytes > MAX_BYTES) return `the arguments are larger than ${MAX_BYTES} characters`;
  }
  return undefined;
}
