import { SHORTEST } from "./mask.ts";

/** Bytes of a value. */
export const LONGEST = 16_384;

/** The environment variable in which a user may put a secret. A blueprint cannot choose another. */
export function variableOf(name: string): string {
  return `PINION_SECRET_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** The secret that a variable of the environment holds; undefined for every other variable. */
export function nameOfVariable(variable: string): string | undefined {
  const name = variable
    .replace(/^PINION_SECRET_/, "")
    .toLowerCase()
    .replaceAll("_", "-");
  return isName(name) && variableOf(name) === variable ? name : undefined;
}

/** A name as blueprints write it. */
export function isName(text: string): boolean {
  return /^(?!constructor$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(text) && text.length <= 64;
}

/** Why a text cannot be a secret, without a word of it; or undefined. */
export function faultOf(value: string): string | undefined {
  const bytes = Buffer.byteLength(value.trim());
  if (bytes < SHORTEST) {
    return `it has ${bytes} bytes: a value of fewer than ${SHORTEST} would be found in ordinary text, where it cannot be hidden`;
  }
  if (Buffer.byteLength(value) > LONGEST) return `it has more than ${LONGEST} bytes`;
  if (value.includes("\0")) return "it holds NUL, which no environment and no text can";
  if (!value.isWellFormed() || value.includes("\u{fffd}")) return "it is not UTF-8: encode binary values as base64";
  return undefined;
}

/** A single line without its line end; several lines, such as a key in PEM form, as they are. */
export function trimmed(text: string): string {
  const line = text.replace(/\r?\n$/, "");
  return line.includes("\n") ? text : line;
}
