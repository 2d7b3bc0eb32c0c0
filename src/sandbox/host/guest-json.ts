import type { Json } from "../../model/json.ts";

/** Levels of nesting that a guest may write. */
const DEPTH = 64;

/**
 * JSON written by a guest. Undefined for what is not JSON or would have no canonical form (RFC 8785) further on:
 * numbers out of range, half surrogate pairs, the key `__proto__`, more than 64 levels.
 */
export function guestJson(text: string): Json | undefined {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return plain(value, DEPTH) ? value : undefined;
}

function plain(value: Json, depth: number): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((item: Json) => plain(item, depth - 1));
  return Object.entries(value).every(
    ([key, item]) => key !== "__proto__" && key.isWellFormed() && plain(item, depth - 1),
  );
}
