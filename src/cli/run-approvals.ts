import { type Command, Option } from "commander";
import { APPROVAL_SCOPES } from "../model/approval.ts";
import { action, type Session } from "./command.ts";
import { descriptor } from "./hook-trust.ts";
import { secretsOption } from "./secrets-option.ts";

/** Commands about what people are asked: `approvals`, `approve`, `deny`. */
export function addApprovalCommands(session: Session, program: Command): void {
  action(
    session,
    program
      .command("approvals")
      .description("what waits for the approval of a person, in all runs or in one and its children")
      .argument("[run]", "id of a run: everything that is asked there is shown in full")
      .addHelpText(
        "after",
        `
With --json: [{ run, approval, agent, phase, subject, action, demands: [{ by, scopes, expiresMs, users, keys }],
requests: [{ hook, request }], scopes, expires, expired, payload }], times in ms since the epoch`,
      ),
    async () => (await import("./run/approvals.ts")).approvals,
  );
  action(
    session,
    answering(program.command("approve").description("approve what a run waits for: exactly what was shown"))
      .addOption(new Option("--scope <scope>", "what the answer covers").choices([...APPROVAL_SCOPES]))
      .option("--pattern <pattern>", "with the scope `pattern`: words of a command, a path, or a domain")
      .option("--yes", "approve a pattern without being asked again")
      .option("--reason <text>", "why; it stands in the journal in clear"),
    async () => (await import("./run/approvals.ts")).approve,
  );
  action(
    session,
    answering(program.command("deny").description("deny what a run waits for; the agent is told why")).requiredOption(
      "--reason <text>",
      "why; it stands in the journal in clear, and the agent is told",
    ),
    async () => (await import("./run/approvals.ts")).deny,
  );
}

function answering(command: Command): Command {
  return command
    .argument("<run>", "id of the run")
    .argument("<approval>", "id of the approval, such as a1")
    .option("--resume", "then go on with the run that a person started, at once")
    .option("--key <file>", "sign the answer with this key (`hook keygen` makes one)")
    .option("--passphrase-fd <number>", "read the passphrase of the key from this file descriptor", descriptor)
    .addOption(secretsOption())
    .addHelpText(
      "after",
      "\nWith --json: { run, approval, event }; with --resume: the object of `pinion run resume --json`",
    );
}
