/**
 * What a terminal would act on or a reader could not see: controls, code points that are not drawn (among them the
 * bidirectional controls of UAX #9, not the two selectors where they select something: behind an emoji), spaces that are not the space, line separators,
 * halves of surrogate pairs.
 */
const HIDDEN =
  /\p{Cc}|\p{Cs}|(?!(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f])\p{Default_Ignorable_Code_Point}|(?! )\p{Zs}|[\u2028\u2029\u2800\ufff9-\ufffb]/gu;

/** Text from outside, safe to print: everything hidden is shown as `\u{…}`; line feeds and tabs stay. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (char) => (char === "\n" || char === "\t" ? char : escaped(char)));
}

/** The same on one line: line feeds and tabs are shown as well. */
export function visibleLine(text: string): string {
  return text.replace(HIDDEN, (char) => (char === "\n" ? "\\n" : char === "\t" ? "\\t" : escaped(char)));
}

/** A value as one line of JSON, for `--json`; what a terminal would act on is escaped, which leaves the value as it is. */
export function jsonLine(value: unknown): string {
  const unit = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(HIDDEN, (char) => char.split("").map(unit).join(""));
}

function escaped(char: string): string {
  return `\\u{${char.codePointAt(0)?.toString(16)}}`;
}
