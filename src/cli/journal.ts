import { Command } from "commander";
import { action, type Session } from "./command.ts";

/** `pinion journal`: what journals and recordings are worth. */
export function journalCommand(session: Session): Command {
  const program = new Command("journal").description("verify journals and recordings");
  action(
    session,
    program
      .command("verify")
      .description("verify a journal: chain, bodies, end, and how far signed checkpoints vouch for it")
      .argument("<run|recording>", "id of a run, its folder, or a recording")
      .option("--checkpoint <file...>", "checkpoints of it that were kept elsewhere")
      .option("--key <public-key...>", "who else may have signed them: `ed25519:…`, or a file that holds it")
      .addHelpText("after", VERIFY),
    async () => (await import("./journal-actions.ts")).verify,
  );
  action(
    session,
    program
      .command("key")
      .description("print the public key that your checkpoints are signed with")
      .addHelpText("after", "\nWith --json: { key }"),
    async () => (await import("./journal-actions.ts")).key,
  );
  return program;
}

const VERIFY = `
With --json: { run, state, message, entries, head, anchor: { count, key, file } | null, unanchored,
findings, notes, exit }. Exit code: 0 it holds as far as it says, 5 damaged or contradicted by a checkpoint.`;
