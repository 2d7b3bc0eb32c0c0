import type { Json } from "../model/json.ts";

/** A line of a longer value, such as a key in PEM form, and a text in JSON count by themselves from this length on. In bytes. */
const SHORTEST_PART = 16;
/** Of `KEY=value`, a value that is nothing but letters is a word of ordinary text up to this length: `production`. */
const LONGEST_WORD = 15;

const ASSIGNMENT = /^(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*=(.*)$/;

/**
 * What of a value is hidden, the whole among it: without space around it, which shells and headers drop; its longer lines, except
 * for the frame of a PEM file (RFC 7468); of JSON the longer texts in it; of lines `KEY=value` the values. Some may be too short.
 */
export function partsOf(value: string): readonly string[] {
  const whole = value.trim();
  return [...new Set([whole, ...longLines(whole), ...textsIn(whole).flatMap(textAndLines), ...assignedIn(whole)])];
}

function textAndLines(text: string): readonly string[] {
  return [text, ...longLines(text)];
}

function longLines(text: string): readonly string[] {
  return linesOf(text).filter((line) => isLong(line) && !line.startsWith("-----"));
}

function linesOf(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function isLong(text: string): boolean {
  return Buffer.byteLength(text) >= SHORTEST_PART;
}

/** The longer texts of an object or a list, as they read when the JSON is decoded; names of members are no secrets. */
function textsIn(value: string): readonly string[] {
  const texts: string[] = [];
  const rest: Json[] = [parsed(value)];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (typeof next === "string") texts.push(next.trim());
    else if (typeof next === "object" && next !== null) for (const inner of Object.values(next)) rest.push(inner);
  }
  return texts.filter(isLong);
}

/** Null for what is no object and no list in JSON. */
function parsed(value: string): Json {
  if (!/^[{[]/.test(value)) return null;
  try {
    return JSON.parse(value) as Json;
  } catch {
    return null;
  }
}

/** Values without their quotes, if every line but comments is an assignment. */
function assignedIn(value: string): readonly string[] {
  const lines = linesOf(value).filter((line) => !line.startsWith("#"));
  const found = lines.map((line) => ASSIGNMENT.exec(line)?.[1]?.trim());
  const values = found.filter((said) => said !== undefined);
  if (values.length < lines.length) return [];
  return values.map(unquoted).filter((said) => !isWord(said));
}

function unquoted(text: string): string {
  return /^(["'])(.*)\1$/.exec(text)?.[2]?.trim() ?? text;
}

function isWord(text: string): boolean {
  return text.length <= LONGEST_WORD && /^[A-Za-z]*$/.test(text);
}
