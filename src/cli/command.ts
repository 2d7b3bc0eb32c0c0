import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { type Command, CommanderError } from "commander";
import type { ExitCode } from "../model/errors.ts";
import { type Output, output } from "./output.ts";

// What is wrong is reported by report.ts, loaded when something is: `--help` should cost little more than Node itself.

/** What every handler of a command gets. */
export interface Call<Options> {
  readonly args: readonly string[];
  readonly options: Options;
  readonly json: boolean;
  readonly out: Output;
}

/** One invocation of the program: where it writes, and the exit code that it comes to. */
export interface Session {
  readonly out: Output;
  exit: ExitCode;
}

/** Adds `--json` and lets what `load` gives run the command; what it throws is reported in one place. */
export function action<Options extends object>(
  session: Session,
  command: Command,
  load: () => Promise<(call: Call<Options>) => ExitCode | Promise<ExitCode>>,
): void {
  command.option("--json", "print one JSON object on stdout").action(async () => {
    const options = command.opts<Options & { json?: true }>();
    const json = options.json === true;
    try {
      const handle = await load();
      session.exit = await handle({ args: command.args, options, json, out: session.out });
    } catch (error) {
      session.exit = (await import("./report.ts")).report(error, { json, out: session.out });
    }
  });
}

/** Parses and runs a command line; resolves with the exit code and never rejects for what a user did wrong. */
export async function runProgram(args: readonly string[], build: (session: Session) => Command): Promise<ExitCode> {
  const session: Session = { out: output(), exit: 0 };
  const program = build(session);
  if (args[0] === "--version") {
    session.out.data(version());
    return session.exit;
  }
  let path = program.name();
  strict(program.option("--version", "the version of Pinion"), path, session.out, (failed) => {
    path = failed;
  });
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) {
      const { report, usageError } = await import("./report.ts");
      session.exit = report(usageError(error, path), { json: args.includes("--json"), out: session.out });
    }
  }
  return session.exit;
}

/** Commander settles these things per command, so each one is told. */
function strict(command: Command, path: string, out: Output, onFailure: (path: string) => void): void {
  command
    .exitOverride()
    .allowExcessArguments(false)
    .showSuggestionAfterError(false)
    .configureOutput({
      writeOut: (text) => out.data(text.trimEnd()),
      writeErr: (text) => out.talk(text.trimEnd()),
      outputError: () => onFailure(path),
    })
    .helpOption("-h, --help", "what this does and takes")
    .helpCommand(false);
  for (const child of command.commands) strict(child, `${path} ${child.name()}`, out, onFailure);
}

function version(): string {
  const file = findPackageJSON(".", import.meta.url);
  return (JSON.parse(readFileSync(file ?? "package.json", "utf8")) as { version: string }).version;
}
