import type { Grants } from "../layer.ts";
import { argvDenied } from "../words.ts";
import { place, type Remark } from "./remark.ts";
import { wrapperIn } from "./wrappers.ts";

/** What may be said of the rules for command lines. */
export function reviewProcesses({ process }: Grants): readonly Remark[] {
  return [
    ...process.allow.flatMap((pattern, index) => reviewAllowed(pattern, place("process", "allow", index), process)),
    ...process.deny.flatMap((pattern, index) => reviewDenied(pattern, place("process", "deny", index), process)),
  ];
}

function reviewAllowed(pattern: readonly string[], pointer: string, { deny }: Grants["process"]): readonly Remark[] {
  const why = wrapperIn(pattern);
  return [
    ...unmatched(pattern, pointer),
    ...(deny.some((denied) => covers(denied, pattern))
      ? [{ pointer, message: "never allows anything: it is denied" }]
      : []),
    ...(why === undefined
      ? []
      : [
          { pointer, message: `allows more than it says: ${why}; list the words that are meant, or ask for approvals` },
        ]),
  ];
}

function reviewDenied(pattern: readonly string[], pointer: string, { allow }: Grants["process"]): readonly Remark[] {
  return [
    ...unmatched(pattern, pointer),
    ...passedBy(
      pattern,
      pointer,
      allow.filter((allowed) => !covers(pattern, allowed)),
    ),
  ];
}

/** What may be said of a command line that needs an approval. `asked`: all that need one. */
export function reviewAsked(
  pattern: readonly string[],
  pointer: string,
  { asked, allow }: { readonly asked: readonly (readonly string[])[]; readonly allow: Grants["process"]["allow"] },
): readonly Remark[] {
  const unasked = allow.filter((allowed) => !asked.some((one) => covers(one, allowed)));
  return passedBy(pattern, pointer, unasked);
}

/** Of command lines that are allowed, those that come to the same without being one of the pattern. */
function passedBy(
  pattern: readonly string[],
  pointer: string,
  others: readonly (readonly string[])[],
): readonly Remark[] {
  const [command = ""] = pattern;
  const literal = pattern.filter((word) => word !== "*" && word !== "**");
  const around = others.filter((allowed) => wrapperIn(allowed) !== undefined);
  const inside = around.find(([allowed]) => allowed === command || allowed === "*" || allowed === "**");
  const through = around.find(([allowed]) => allowed !== command);
  return [
    ...(inside !== undefined && literal.length > 1
      ? [{ pointer, message: `can be passed by: ${shown(inside)} allows the same with other words in front` }]
      : []),
    ...(through === undefined
      ? []
      : [{ pointer, message: `can be passed by: ${shown(through)} is allowed, and may start it` }]),
  ];
}

/** Whether every command line of `inner` is one of `denied`. */
function covers(denied: readonly string[], inner: readonly string[]): boolean {
  const open = inner.at(-1) === "**";
  if (open && denied.at(-1) !== "**") return false;
  const words = open ? inner.slice(0, -1) : inner;
  // An asterisk is a word that only an asterisk stands for.
  return (
    argvDenied(denied, words) && words.every((word, i) => word !== "*" || i >= denied.length - 1 || denied[i] === "*")
  );
}

function unmatched(pattern: readonly string[], pointer: string): readonly Remark[] {
  const [command = ""] = pattern;
  if (command !== "*" && command !== "**" && !/^[^/=\0]+$/.test(command)) {
    return [{ pointer, message: `never matches: a command is a plain name, found \`${command}\`` }];
  }
  const odd = pattern.findIndex((word, index) =>
    word === "**" ? index < pattern.length - 1 : word.length > 1 && word.includes("*") && word !== "**",
  );
  if (odd === -1) return [];
  const word = pattern[odd] ?? "";
  return [
    {
      pointer: `${pointer}/${odd}`,
      message: `\`${word}\` is taken literally: \`*\` stands for a whole word, \`**\` for any number of last words`,
    },
  ];
}

function shown(pattern: readonly string[]): string {
  return JSON.stringify(pattern);
}

/** Whether some command may be started at all. */
export function startsProcesses({ process, tools }: Grants): boolean {
  const named = tools.allow.some((tool) => tool === "*" || tool === "process.run");
  const usable = named && tools.taxa.includes("process") && !tools.deny.includes("process.run");
  return usable && process.allow.some((pattern) => !process.deny.some((denied) => covers(denied, pattern)));
}
