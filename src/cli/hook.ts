import { Command } from "commander";
import type { ExitCode } from "../model/errors.ts";
import { action, runProgram, type Session } from "./command.ts";

/** The command `hook`. */
export function hookCommand(session: Session): Command {
  const program = new Command("hook").description("look at hooks");
  action(
    session,
    program
      .command("list")
      .description("list the hooks that ship with Pinion")
      .addHelpText("after", "\nWith --json: [{ name, version, description, digest, component, role, phases, limits }]"),
    async () => (await import("./hook-files.ts")).list,
  );
  return program;
}

export async function main(args: readonly string[]): Promise<ExitCode> {
  return runProgram(args, hookCommand);
}
