import { Command } from "commander";
import type { ExitCode } from "../model/errors.ts";
import { action, runProgram, type Session } from "./command.ts";

/** The command `harness`. */
export function harnessCommand(session: Session): Command {
  const program = new Command("harness").description("replay, verify and read recordings");

  action(
    session,
    program
      .command("replay")
      .description("run a recording again, hooks and all, without model, network or workspace")
      .argument("<file>", "a recording, the journal of a run, or the id of a run")
      .option("--key <file>", "the run key, when it is not in the state directory or beside the recording")
      .option("--artifacts <folder...>", "more places to look for artifacts by digest")
      .addHelpText("after", REPLAY),
    async () => (await import("./harness-recordings.ts")).replay,
  );
  action(
    session,
    program
      .command("show")
      .description("print the timeline of a recording")
      .argument("<file>", "a recording, the journal of a run, or the id of a run")
      .option("--all", "every verdict and every entry")
      .addHelpText(
        "after",
        "\nWith --json: { run, kernel, state, message, head, lines: [{ seq, mark, text, tone, minor }] }",
      ),
    async () => (await import("./harness-recordings.ts")).show,
  );
  action(
    session,
    program
      .command("verify")
      .description("prove offline what a recording claims: chain, pins, permission, a receipt for every effect")
      .argument(
        "<file...>",
        "recordings, journals of runs, or ids of runs; children's recordings are found beside them",
      )
      .option("--key <file>", "the run key, when it is not in the state directory or beside the recording")
      .option("--checkpoint <file...>", "checkpoints that were kept elsewhere")
      .option("--public-key <key...>", "who else may have signed them: `ed25519:…`, or a file that holds it")
      .option("--artifacts <folder...>", "more places to look for artifacts by digest")
      .addHelpText("after", VERIFY),
    async () => (await import("./harness-verify.ts")).verify,
  );
  return program;
}

const VERIFY = `
With --json: { recordings: [{ file, run, parent, entries, head, checks: [{ check, result, message,
findings: [{ seq?, message }], failed, notes }], exit }], exit }; result: ok, failed, unchecked.
Exit code: 0 nothing speaks against them, 5 something does.`;

const REPLAY = `
With --json: { answer, message, run, entries, steps, divergence?: { seq, kind, phase, hook, expected,
found }, exit }. Exit code: 0 identical, 3 diverged or incomplete, 5 damaged.`;

export async function main(args: readonly string[]): Promise<ExitCode> {
  return runProgram(args, harnessCommand);
}
