import { Command } from "commander";
import { action, type Session } from "./command.ts";
import { addChangeCommands } from "./run-changes.ts";

/** `pinion run`: runs that exist. A run is started with `blueprint run`. */
export function runCommand(session: Session): Command {
  const program = new Command("run").description("list, re-arm and resume runs");
  action(
    session,
    program
      .command("list")
      .description("list the runs of this user")
      .addHelpText("after", "\nWith --json: [{ run, state, agent, steps, startedAt, reason }]"),
    async () => (await import("./run-actions.ts")).list,
  );
  action(
    session,
    program
      .command("rearm")
      .description("let a hook that failed be asked again; the run goes on when it is resumed")
      .argument("<run>", "id of the run")
      .argument("<hook>", "name of the hook")
      .requiredOption("--reason <text>", "why; it is recorded")
      .addHelpText("after", "\nWith --json: { run, hook, reason }"),
    async () => (await import("./run-actions.ts")).rearm,
  );
  action(
    session,
    program
      .command("resume")
      .description("go on with a run that is paused or was cut off")
      .argument("<run>", "id of the run")
      .addHelpText("after", "\nWith --json: the object of `blueprint run --json`"),
    async () => (await import("./run-actions.ts")).resume,
  );
  addChangeCommands(session, program);
  return program;
}
