import { Command } from "commander";
import type { Session } from "./command.ts";
import { addApprovalCommands } from "./run-approvals.ts";
import { addChangeCommands } from "./run-changes.ts";
import { addControlCommands } from "./run-control.ts";
import { addLookCommands } from "./run-look.ts";

/** `pinion run`: runs that exist, of this terminal or another. A run is started with `blueprint run`. */
export function runCommand(session: Session): Command {
  const program = new Command("run").description(
    "look at runs and at what they changed; pause, resume, end and remove them; answer what they ask",
  );
  addLookCommands(session, program);
  addControlCommands(session, program);
  addApprovalCommands(session, program);
  addChangeCommands(session, program);
  return program;
}
