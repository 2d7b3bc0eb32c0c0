import { parseArgs } from "node:util";
import { COMMON, type Command, type Option, type Spec, written } from "./spec.ts";

export type Parsed =
  | { readonly kind: "help"; readonly spec: Spec; readonly path: string }
  | { readonly kind: "version" }
  | { readonly kind: "wrong"; readonly message: string; readonly path: string }
  | {
      readonly kind: "call";
      readonly command: Command;
      readonly args: readonly string[];
      readonly options: Readonly<Record<string, string | true | readonly string[]>>;
    };

/** What a command line asks for. Pure; what is wrong with it is an answer. */
export function parse(program: Spec, argv: readonly string[]): Parsed {
  let spec = program;
  let path = program.name;
  for (const [i, word] of argv.entries()) {
    if (!("commands" in spec)) return parseCommand(spec, path, argv.slice(i));
    if (word === "--help" || word === "-h") return { kind: "help", spec, path };
    if (word === "--version" && i === 0) return { kind: "version" };
    const next: Spec | undefined = spec.commands.find((command) => command.name === word);
    if (next === undefined) {
      const what = word.startsWith("-") ? "option" : "command";
      return { kind: "wrong", message: `unknown ${what} \`${word}\``, path };
    }
    spec = next;
    path = `${path} ${next.name}`;
  }
  if ("commands" in spec) return { kind: "wrong", message: "expected a command", path };
  return parseCommand(spec, path, []);
}

function parseCommand(command: Command, path: string, words: readonly string[]): Parsed {
  const known = new Map([...(command.options ?? []), ...COMMON].map((option) => [option.name, option]));
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries([...known.values()].map(parserOption)),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const args: string[] = [];
  const options: Record<string, string | true | string[]> = {};
  for (const token of tokens) {
    if (token.kind === "positional") args.push(token.value);
    if (token.kind !== "option") continue;
    const option = known.get(token.name);
    const message = wrongOption(token, option);
    if (option === undefined || message !== undefined) return { kind: "wrong", message: message ?? "", path };
    const key = option.name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    const before = options[key];
    if (option.many) options[key] = [...(Array.isArray(before) ? before : []), token.value ?? ""];
    else options[key] = token.value ?? true;
  }
  if (options.help === true) return { kind: "help", spec: command, path };
  const message = missing(command, args, options);
  return message === undefined ? { kind: "call", command, args, options } : { kind: "wrong", message, path };
}

type Token = {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
};

function wrongOption({ rawName, value, inlineValue }: Token, option: Option | undefined): string | undefined {
  if (option === undefined) return `unknown option \`${rawName}\``;
  if (option.value === undefined) return inlineValue ? `\`${rawName}\` takes no value` : undefined;
  if (value === undefined) return `\`${written(option)}\` has no value`;
  // What looks like an option is one that was forgotten, unless it was joined with `=`.
  return !inlineValue && value.startsWith("-")
    ? `\`${written(option)}\` has no value; write \`${rawName}=${value}\` if it is \`${value}\``
    : undefined;
}

function missing(
  command: Command,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): string | undefined {
  const wanted = command.arguments ?? [];
  const open = wanted.at(-1)?.many === true;
  const absent = wanted.find((argument, i) => argument.many !== true && i >= args.length);
  if (absent !== undefined) return `missing argument \`<${absent.name}>\``;
  if (!open && args.length > wanted.length) return `unexpected argument \`${args[wanted.length]}\``;
  const required = command.options?.find((option) => option.required === true && options[option.name] === undefined);
  return required === undefined ? undefined : `missing option \`${written(required)}\``;
}

function parserOption({ name, value }: Option): [string, { type: "string" | "boolean"; short?: string }] {
  return [name, { type: value === undefined ? "boolean" : "string", ...(name === "help" ? { short: "h" } : {}) }];
}
