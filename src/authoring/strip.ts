import { stripTypeScriptTypes } from "node:module";
import { BuildError } from "./fault.ts";

const MAX_SHOWN = 160;

/** TypeScript without its types, every line and column where it was. Throws `BuildError` with the place, and the line where it is known. */
export function strip(path: string, code: string): string {
  try {
    return stripTypeScriptTypes(code);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { place, excerpt } = placeOf(error.stack ?? "", code);
    throw new BuildError(`${path}${place}: ${error.message}${excerpt}`);
  }
}

/**
 * Node puts the line and an excerpt with carets in front of the stack, and the place nowhere else. The carets count what a terminal
 * draws, so that they are columns only behind plain characters. An excerpt of several lines has none.
 */
function placeOf(stack: string, code: string): { readonly place: string; readonly excerpt: string } {
  const [, line, around = ""] = /^:(\d+)\n(.*?)\n\nSyntaxError/s.exec(stack) ?? [];
  if (line === undefined) return { place: "", excerpt: "" };
  const [, drawn = "", indent = "", carets = ""] = /^(.*)\n( *)(\^+)$/m.exec(around) ?? [];
  if (carets === "") return { place: `:${line}`, excerpt: "" };
  const column = columnAt(code.split("\n")[Number(line) - 1] ?? "", indent.length);
  return {
    place: column === undefined ? `:${line}` : `:${line}:${column}`,
    excerpt: drawn.length > MAX_SHOWN ? "" : `\n  ${drawn}\n  ${indent}${carets}`,
  };
}

const TAB = 4;

/** The column, from 1, of what is drawn behind so many cells. Undefined when something before it is not one cell wide. */
function columnAt(line: string, cells: number): number | undefined {
  let drawn = 0;
  for (let at = 0; at < line.length; at += 1) {
    if (drawn >= cells) return at + 1;
    const character = line.charAt(at);
    if (character === "\t") drawn += TAB - (drawn % TAB);
    else if (/[ -~]/.test(character)) drawn += 1;
    else return undefined;
  }
  return drawn === cells ? line.length + 1 : undefined;
}
