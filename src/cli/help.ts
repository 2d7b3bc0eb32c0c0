import { type Argument, COMMON, type Spec, written } from "./spec.ts";
import { columns } from "./table.ts";

/** What `--help` prints. */
export function helpText(spec: Spec, path: string): string {
  if ("commands" in spec) {
    const commands = spec.commands.map((command) => [`  ${command.name}`, command.summary]);
    const hint = `\`${path} <command> --help\` says more; --version says which Pinion this is.`;
    return [`Usage: ${path} <command>`, spec.summary, `Commands:\n${columns(commands)}`, hint].join("\n\n");
  }
  const args = spec.arguments ?? [];
  const own = spec.options ?? [];
  const required = own.filter((option) => option.required === true).map(written);
  const usage = ["Usage:", path, ...args.map(place), ...required, "[options]"].join(" ");
  const options = [...own, ...COMMON].map((option) => [`  ${written(option)}`, option.summary]);
  return [
    usage,
    spec.summary,
    ...(args.length === 0
      ? []
      : [`Arguments:\n${columns(args.map((argument) => [`  ${place(argument)}`, argument.summary]))}`]),
    `Options:\n${columns(options)}`,
    `With --json: ${spec.json}`,
  ].join("\n\n");
}

function place({ name, many }: Argument): string {
  return many === true ? `[${name} ...]` : `<${name}>`;
}
