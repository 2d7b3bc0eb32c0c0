import { type Command, InvalidArgumentError } from "commander";
import { action, type Session } from "./command.ts";
import { secretsOption } from "./secrets-option.ts";

/** Commands that change something: `pause`, `resume`, `terminate`, `rearm`, `revoke`, `rm`. */
export function addControlCommands(session: Session, program: Command): void {
  action(
    session,
    waiting(
      program.command("pause").description("stop a run at its next boundary, its children with it; it can be resumed"),
    )
      .argument("<run>", "id of the run")
      .addHelpText("after", OBEYED),
    async () => (await import("./run/control.ts")).pause,
  );
  action(
    session,
    program
      .command("resume")
      .description("go on with a run that is paused or was cut off")
      .argument("<run>", "id of the run")
      .addOption(secretsOption())
      .addHelpText("after", "\nWith --json: the object of `blueprint run --json`"),
    async () => (await import("./run/control.ts")).resume,
  );
  action(
    session,
    waiting(program.command("terminate").description("end a run for good, aborting what is under way"))
      .argument("<run>", "id of the run")
      .option("--force", "kill its process, and all that it started; the run can be resumed or terminated afterwards")
      .addHelpText("after", `${OBEYED}; with --force: { run, killed }`),
    async () => (await import("./run/control.ts")).terminate,
  );
  for (const [name, description, load] of [
    ["rearm", "let a hook that failed be asked again", async () => (await import("./run/control.ts")).rearm],
    [
      "revoke",
      "take the directory handles of a hook from it, for good",
      async () => (await import("./run/control.ts")).revoke,
    ],
  ] as const) {
    action(
      session,
      waiting(program.command(name).description(description))
        .argument("<run>", "id of the run")
        .argument("<hook>", "name of the hook")
        .requiredOption("--reason <text>", "why; it is recorded")
        .addHelpText("after", "\nWith --json: { run, hook, reason, state, done, process }"),
      load,
    );
  }
  action(
    session,
    program
      .command("rm")
      .description("remove runs that have ended, with their children, journals and keys")
      .argument("<run...>", "ids of the runs")
      .option("--force", "also runs that could go on, or whose changes nobody has decided on")
      .addHelpText("after", "\nWith --json: { removed: [run] }"),
    async () => (await import("./run/remove.ts")).remove,
  );
}

const OBEYED = "\nWith --json: { run, state, reason, done, process }; `done`: the run has obeyed";

export function waiting(command: Command): Command {
  return command
    .option("--no-wait", "do not wait until the run has obeyed")
    .option("--timeout <seconds>", "how long to wait", seconds, 60);
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d{1,6}(\.\d{1,3})?$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError("expected a number of seconds");
}
