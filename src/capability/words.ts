import { fold } from "./glob.ts";

/**
 * Whether a command line is one of those of a pattern. `*` is exactly one word of any content, a last word `**` any number of
 * further ones, none included; everything else is literal.
 */
export function argvMatches(pattern: readonly string[], argv: readonly string[]): boolean {
  return wordsMatch(pattern, argv, (part, word) => part === word);
}

/**
 * The same for denials, which hold for every spelling that could start the same command: its name is compared without the folder
 * in front and in every spelling of case and Unicode. The words behind it mean what the command makes of them, so they are literal.
 */
export function argvDenied(pattern: readonly string[], argv: readonly string[]): boolean {
  return wordsMatch(pattern, argv, (part, word, index) =>
    index === 0 ? commandName(part) === commandName(word) : part === word,
  );
}

function wordsMatch(
  pattern: readonly string[],
  words: readonly string[],
  same: (part: string, word: string, index: number) => boolean,
): boolean {
  const open = pattern.at(-1) === "**";
  const fixed = open ? pattern.slice(0, -1) : pattern;
  if (open ? words.length < fixed.length : words.length !== fixed.length) return false;
  return fixed.every((part, index) => part === "*" || same(part, words[index] ?? "", index));
}

function commandName(word: string): string {
  return fold(word.slice(word.lastIndexOf("/") + 1));
}
