import { Command } from "commander";
import { action, type Session } from "./command.ts";
import { descriptor, withPassphrase } from "./hook-trust.ts";

/** `pinion secret`: values that tools are handed and nobody else sees. */
export function secretCommand(session: Session): Command {
  const program = new Command("secret").description("keep the values that tools are handed when they run");
  action(
    session,
    withPassphrase(program.command("set").description("put a secret into your encrypted file"))
      .argument("<name>", "what blueprints call it: lower-case letters, digits and hyphens")
      .option("--value-fd <number>", "read the value from this file descriptor, not the terminal", descriptor)
      .addHelpText("after", SET),
    async () => (await import("./secret/keep.ts")).set,
  );
  action(
    session,
    program
      .command("list")
      .description("list the names of the secrets that you have")
      .addHelpText("after", '\nWith --json: { file, secrets: [{ name, from: "environment" or "file" }] }'),
    async () => (await import("./secret/look.ts")).list,
  );
  action(
    session,
    withPassphrase(program.command("rm").description("take a secret out of your encrypted file"))
      .argument("<name>", "its name")
      .addHelpText("after", "\nWith --json: { name, file }"),
    async () => (await import("./secret/keep.ts")).remove,
  );
  action(
    session,
    program
      .command("check")
      .description("say which secrets a blueprint needs, which of them are there, and where they would go")
      .argument("<blueprint>", "the blueprint")
      .addHelpText("after", CHECK),
    async () => (await import("./secret/look.ts")).check,
  );
  return program;
}

const SET = `
The value is typed unseen, or read from a file descriptor; it is never an argument. One line loses its
line end; several lines, such as a key in PEM form, stay as they are. A variable PINION_SECRET_<NAME> in
the environment of a run comes before the file.
With --json: { name, file, replaced }`;

const CHECK = `
Exit code 2 when one is missing that is not optional.
With --json: { ok, secrets: [{ name, optional, from: "environment", "file" or null,
uses: [{ agent, tool, as, to, for, allowed, rule }] }] }`;
