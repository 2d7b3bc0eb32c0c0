import { visibleLine } from "../visible.ts";

const LETTERS: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};

/** A name as git writes it into patches (`core.quotePath`, git-config(1)): quoted as in C where it has more than plain ASCII. */
export function gitName(name: string): string {
  const bytes = Buffer.from(name).toString("latin1");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is quoted
  if (!/[\u0000-\u001f"\\\u007f-\u00ff]/.test(bytes)) return name;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
  const escaped = bytes.replace(/[\u0000-\u001f"\\\u007f-\u00ff]/g, (char) => {
    return LETTERS[char] ?? `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`;
  });
  return `"${escaped}"`;
}

/** A name for people: letters of all scripts as they are, what a terminal would act on made visible, quoted where that was needed. */
export function shownName(name: string): string {
  const text = visibleLine(name.replace(/["\\]/g, "\\$&"));
  return text === name ? name : `"${text}"`;
}
