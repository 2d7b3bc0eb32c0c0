import { type Command, InvalidArgumentError } from "commander";
import { action, type Session } from "./command.ts";

/** Commands that read: `list`, `status`, `logs`. */
export function addLookCommands(session: Session, program: Command): void {
  action(
    session,
    program
      .command("list")
      .description("list the runs of this user, the newest last")
      .option("--state <state>", "only runs in this state; may be given more than once", collected)
      .option("--agent <name>", "only runs of this agent, `name` or `name@version`")
      .addHelpText(
        "after",
        "\nWith --json: [{ run, state, agent, steps, startedAt, reason, process, parent }], times in ms since the epoch",
      ),
    async () => (await import("./run/list.ts")).list,
  );
  action(
    session,
    program
      .command("status")
      .description("all that the journal of a run says of it")
      .argument("<run>", "id of the run")
      .addHelpText(
        "after",
        `
With --json: { run, state, reason, agent, blueprint, source, workspace, step, waiting, usage, limits, failed, revoked,
signed: [{ hook, signer, key }], distrusted, parent, children, process, approvals,
journal: { file, bytes, entries, torn }, changes?, startedAt, lastAt }`,
      ),
    async () => (await import("./run/status.ts")).status,
  );
  action(
    session,
    program
      .command("logs")
      .description("what a run did, as it was told when it happened")
      .argument("<run>", "id of the run")
      .option("-f, --follow", "go on for as long as somebody works on the run")
      .option("--wait", "with -f: go on until the run has ended, also while nobody works on it")
      .option("--all", "also what is seldom of interest")
      .addHelpText("after", "\nWith --json: one entry of the journal a line, as soon as it is on disk"),
    async () => (await import("./run/logs.ts")).logs,
  );
}

function collected(value: string, before: readonly string[] = []): readonly string[] {
  if (value === "") throw new InvalidArgumentError("it is empty");
  return [...before, value];
}
