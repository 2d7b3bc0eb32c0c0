import { Command } from "commander";
import type { ExitCode } from "../model/errors.ts";
import { blueprintCommand } from "./blueprint.ts";
import { capabilityCommand } from "./capability.ts";
import { action, runProgram, type Session } from "./command.ts";
import { harnessCommand } from "./harness.ts";
import { hookCommand } from "./hook.ts";
import { journalCommand } from "./journal.ts";
import { policyCommand } from "./policy.ts";
import { runCommand } from "./run.ts";
import { secretCommand } from "./secret.ts";

const NOUNS = [
  blueprintCommand,
  runCommand,
  journalCommand,
  hookCommand,
  harnessCommand,
  policyCommand,
  capabilityCommand,
  secretCommand,
] as const;

/** The command `pinion`: everything, as nouns. */
export function pinionCommand(session: Session): Command {
  const program = new Command("pinion").description("agents that are pinned, gated and replayable");
  for (const noun of NOUNS) program.addCommand(noun(session));
  action(
    session,
    program
      .command("doctor")
      .description("look at what this machine offers")
      .addHelpText("after", "\nWith --json: { ok, checks: [{ name, ok, needed, found, hint? }] }"),
    async () => (await import("./doctor.ts")).doctor,
  );
  return program;
}

export async function main(args: readonly string[]): Promise<ExitCode> {
  return runProgram(args, pinionCommand);
}
