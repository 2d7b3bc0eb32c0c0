import { Command } from "commander";
import type { ExitCode } from "../model/errors.ts";
import { action, runProgram, type Session } from "./command.ts";
import { secretsOption } from "./secrets-option.ts";

/** The command `blueprint`. Parts that do work are loaded when they are asked for, so that `--help` stays quick. */
export function blueprintCommand(session: Session): Command {
  const program = new Command("blueprint").description("run and check agents that one file pins");

  action(
    session,
    program
      .command("run")
      .description("run a blueprint towards a goal")
      .argument("<file>", "the blueprint")
      .requiredOption("--goal <text>", "what the agent is to achieve")
      .requiredOption("--workspace <folder>", "the folder that it works in")
      .option("--model <provider:id>", "use this model instead of the blueprint's, e.g. anthropic:<id>")
      .option("--base-url <url>", "address of the provider, for compatible servers")
      .option("--policy <file>", "a policy bundle that narrows this run and its children")
      .option("--record <file>", "write a recording that `harness replay` runs again")
      .option("--shadow <proposals>", "run these proposals in shadow, never obeyed: ids with commas between")
      .addOption(secretsOption())
      .addHelpText("after", SUMMARY),
    async () => (await import("./blueprint-run.ts")).run,
  );
  action(
    session,
    program
      .command("validate")
      .description("check a blueprint and the bytes of everything that it pins")
      .argument("<file>", "the blueprint")
      .addHelpText(
        "after",
        "\nWith --json: { ok: true, digest, name, version, warnings } or\n{ ok: false, faults: [{ file, line, column, pointer, message, expected? }] }",
      ),
    async () => (await import("./blueprint-files.ts")).validate,
  );
  action(
    session,
    program
      .command("list")
      .description("list the blueprints of folders, and those that ship with Pinion")
      .argument("[folder...]", "where to look; the current folder unless given")
      .addHelpText("after", LIST),
    async () => (await import("./blueprint-files.ts")).list,
  );
  action(
    session,
    program
      .command("show")
      .description("show what a blueprint pins and allows")
      .argument("<name>", "name, name@version, or a file")
      .addHelpText("after", SHOW),
    async () => (await import("./blueprint-files.ts")).show,
  );
  return program;
}

const SUMMARY = `
With --json, one object on stdout: { run, state, steps, blocked, redactions, recording, head,
blueprint, tokens: { input, output }, reason, result, children, changes, journal, exit };
changes: paths that the run changed in its layer, null where it has none of its own`;

const LIST = `
With --json: [{ kind: "blueprint", name, version, description, digest, file } or
{ kind: "broken", file, fault, faults }]`;

const SHOW = `
With --json: { name, version, description, digest, file, model, tools, execution, chain, limits,
pins: [{ kind, name, version, digest }] }`;

export async function main(args: readonly string[]): Promise<ExitCode> {
  return runProgram(args, blueprintCommand);
}
