import type { Json } from "../model/json.ts";

const MAX_DEPTH = 64;

/**
 * Reads a call's arguments as I-JSON (RFC 7493): what is not JSON, has a key twice, the key `__proto__`, half a
 * surrogate pair, a number beyond a double, or more than 64 levels comes back as `raw`, since it has no one meaning.
 */
export function parseArguments(text: string): { readonly arguments: Json } | { readonly raw: string } {
  const raw = { raw: text.toWellFormed() };
  const written = scan(text);
  if (written.depth > MAX_DEPTH) return raw;
  let value: Json;
  try {
    value = JSON.parse(text.trim() === "" ? "{}" : text);
  } catch {
    return raw;
  }
  const found = inspect(value);
  return found.sound && found.keys === written.keys ? { arguments: value } : raw;
}

/**
 * Levels of brackets, and how many keys are written: in JSON a string before a colon is one, and nothing else is.
 * One pass, so that neither depth nor length nor text that is no JSON can hurt.
 */
function scan(text: string): { depth: number; keys: number } {
  let depth = 0;
  let deepest = 0;
  let keys = 0;
  let inString = false;
  let afterString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === "\\") at++;
      else if (char === '"') inString = false;
      continue;
    }
    if (char === " " || char === "\n" || char === "\r" || char === "\t") continue;
    if (char === ":" && afterString) keys++;
    if (char === "[" || char === "{") deepest = Math.max(deepest, ++depth);
    if (char === "]" || char === "}") depth--;
    inString = afterString = char === '"';
  }
  return { depth: deepest, keys };
}

function inspect(value: Json): { sound: boolean; keys: number } {
  if (typeof value === "string") return { sound: value.isWellFormed(), keys: 0 };
  if (typeof value === "number") return { sound: Number.isFinite(value), keys: 0 };
  if (value === null || typeof value === "boolean") return { sound: true, keys: 0 };
  const keys = Array.isArray(value) ? [] : Object.keys(value);
  let count = keys.length;
  let sound = keys.every((key) => key !== "__proto__" && key.isWellFormed());
  for (const child of Object.values(value)) {
    const inner = inspect(child);
    sound &&= inner.sound;
    count += inner.keys;
  }
  return { sound, keys: count };
}
