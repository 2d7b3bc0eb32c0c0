import { isUtf8 } from "node:buffer";

/** No file that people write is larger. */
export const MAX_BYTES = 1024 * 1024;

export type Place = { readonly line: number; readonly column: number };
export type PlacedMessage = Place & { readonly message: string };

export type Decoded =
  | { readonly ok: true; readonly text: string; readonly faults: readonly PlacedMessage[] }
  | { readonly ok: false; readonly faults: readonly PlacedMessage[] };

/** Bytes to text: at most 1 MiB of valid UTF-8. Characters that hide something are faults, but the text can still be read. */
export function decode(bytes: Uint8Array): Decoded {
  if (bytes.length > MAX_BYTES) {
    return refuse({ line: 1, column: 1, message: `the file has ${bytes.length} bytes, the limit is ${MAX_BYTES}` });
  }
  if (!isUtf8(bytes)) {
    return refuse({ ...firstInvalid(bytes), message: "the file is not valid UTF-8; save it as UTF-8" });
  }
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  return { ok: true, text, faults: hidden(text) };
}

function refuse(fault: PlacedMessage): Decoded {
  return { ok: false, faults: [fault] };
}

/** A line feed is never part of another character, so lines can be checked one by one. */
function firstInvalid(bytes: Uint8Array): Place {
  let line = 1;
  for (let start = 0; ; line += 1) {
    const end = bytes.indexOf(0x0a, start);
    const part = bytes.subarray(start, end === -1 ? bytes.length : end);
    if (!isUtf8(part)) return { line, column: new TextDecoder().decode(part).indexOf("\ufffd") + 1 };
    start = end + 1;
  }
}

/** Control characters, byte order marks and what makes a line read differently from what it says (Trojan Source). */
const HIDDEN = /[^\P{Cc}\t\n\r]|[\ufeff\u202a-\u202e\u2066-\u2069]/u;
const HIDDEN_ALL = new RegExp(HIDDEN, "gu");
const MAX_REPORTED = 20;

function hidden(text: string): PlacedMessage[] {
  if (!HIDDEN.test(text)) return [];
  const faults: PlacedMessage[] = [];
  for (const match of text.matchAll(HIDDEN_ALL)) {
    const start = text.lastIndexOf("\n", match.index - 1) + 1;
    const line = text.slice(0, match.index).split("\n").length;
    const message = `the invisible character ${codePoint(match[0])} is not allowed; remove it`;
    faults.push({ line, column: match.index - start + 1, message });
    if (faults.length === MAX_REPORTED) break;
  }
  return faults;
}

/** What a name must not hold: anything that cannot be seen, or is half a character. */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;

export function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** A value for a message: short, on one line, without anything that a terminal would obey. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  const safe = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => `<${codePoint(character)}>`);
  return safe.length <= 80 ? safe : `${safe.slice(0, 60)}… (${safe.length} characters)`;
}
