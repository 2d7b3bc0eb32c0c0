import type { Json } from "../../model/json.ts";

/** Levels of nesting in what a guest writes of its own. */
const LEVELS = 64;
/** In a payload, which is made of what others wrote: the bound of the canonical form. */
export const PAYLOAD_LEVELS = 1000;

/**
 * JSON written by a guest. Undefined for what is not JSON or would have no canonical form (RFC 8785) further on:
 * numbers out of range, half surrogate pairs, the key `__proto__`, more than `levels` of nesting.
 */
export function guestJson(text: string, levels = LEVELS): Json | undefined {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return plain(value, levels) ? value : undefined;
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
