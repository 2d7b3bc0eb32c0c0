import { canonicalJson } from "../../model/canonical.ts";
import type { Json } from "../../model/json.ts";

/** What became of a quotation on its way: a value, or why there is none. */
export type Found = { readonly value: Json } | { readonly missing: string };

type Filter = (found: Found, argument: string) => Found;

/** Turns a value into text as a quotation shows it. */
export function textOf(value: Json): string {
  return typeof value === "string" ? value : canonicalJson(value);
}

function onText(apply: (text: string, argument: string) => string | undefined): Filter {
  return (found, argument) => {
    if ("missing" in found) return found;
    const value = apply(textOf(found.value), argument);
    return value === undefined ? { missing: `nothing with \`${argument}\`` } : { value };
  };
}

/** Filters of a quotation: `${… | name "argument"}`. `default` is the only one that sees what is missing. */
export const FILTERS: Readonly<Record<string, { readonly takesText: boolean; readonly apply: Filter }>> = {
  /** The first line that contains a text. */
  line: { takesText: true, apply: onText((text, part) => linesWith(text, part)[0]) },
  /** All lines that contain a text. */
  lines: { takesText: true, apply: onText((text, part) => linesWith(text, part).join("\n") || undefined) },
  /** What follows the first occurrence of a text. */
  after: {
    takesText: true,
    apply: onText((text, part) => (text.includes(part) ? text.slice(text.indexOf(part) + part.length) : undefined)),
  },
  /** What precedes the first occurrence of a text. */
  before: {
    takesText: true,
    apply: onText((text, part) => (text.includes(part) ? text.slice(0, text.indexOf(part)) : undefined)),
  },
  /** Canonical JSON. */
  json: {
    takesText: false,
    apply: (found) => ("missing" in found ? found : { value: canonicalJson(found.value) }),
  },
  /** How many elements, fields or characters. */
  count: {
    takesText: false,
    apply: (found) => ("missing" in found ? found : { value: sizeOf(found.value) }),
  },
  /** Text in place of what is missing. */
  default: { takesText: true, apply: (found, text) => ("missing" in found ? { value: text } : found) },
};

function linesWith(text: string, part: string): string[] {
  return text
    .split("\n")
    .filter((line) => line.includes(part))
    .map((line) => line.trim());
}

function sizeOf(value: Json): number {
  if (typeof value === "string") return value.length;
  return typeof value === "object" && value !== null ? Object.keys(value).length : 1;
}
