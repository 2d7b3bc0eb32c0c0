import { at, UNIT } from "./text";

/**
 * What may start at two characters: the scanner's only question at most positions. Codes below 128 are tokens
 * (`tokens.ts`), the others are named here; 0 is nothing.
 */
export const LAST_TOKEN: u32 = 127;
export const END: u32 = 128;
export const ESCAPE: u32 = 129;
export const SEPARATOR: u32 = 130;
export const NUMBER: u32 = 131;
export const MAIL: u32 = 132;
export const PEM: u32 = 133;
export const JWT: u32 = 134;
export const PLACEHOLDER: u32 = 135;
export const AZURE: u32 = 136;
export const ENCODED_PEM: u32 = 137;

const PAIRS: usize = memory.data(128 * 128);

export function mark(first: u32, second: u32, code: u32): void {
  store<u8>(PAIRS + ((first << 7) | second), code);
}

/** For whatever follows; 0 stands for what is not ASCII. */
function markAll(first: u32, code: u32): void {
  for (let second: u32 = 0; second < 128; second += 1) mark(first, second, code);
}

/** The code of two characters, the first one ASCII. */
export function start(first: u32, second: u32): u32 {
  return load<u8>(PAIRS + ((first << 7) | (second < 128 ? second : 0)));
}

/** The code of what stands at a position. */
export function startAt(p: usize): u32 {
  const first = at(p);
  return first < 128 ? start(first, at(p + UNIT)) : 0;
}

function codeOf(text: string): u32 {
  return text.charCodeAt(0);
}

markAll(codeOf('"'), END);
markAll(codeOf("\\"), ESCAPE);
markAll(codeOf(":"), SEPARATOR);
markAll(codeOf("="), SEPARATOR);
markAll(codeOf("@"), MAIL);
for (let digit: u32 = 0; digit < 10; digit += 1) markAll(codeOf("0") + digit, NUMBER);
mark(codeOf("-"), codeOf("-"), PEM);
mark(codeOf("e"), codeOf("y"), JWT);
mark(codeOf("["), codeOf("R"), PLACEHOLDER);
mark(codeOf("Q"), codeOf("~"), AZURE);
mark(codeOf("L"), codeOf("S"), ENCODED_PEM);
