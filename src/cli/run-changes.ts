import type { Command } from "commander";
import { action, type Session } from "./command.ts";

const RUN = ["<run>", "id of the run"] as const;
const WORKSPACE = ["--workspace <dir>", "where the workspace is, if it was moved or the run's key is gone"] as const;
const ONLY = ["--only <path...>", "only what was changed at or below these paths of the workspace"] as const;

/** `pinion run diff|commit|discard|export`: what a run did to its workspace, and what becomes of it. */
export function addChangeCommands(session: Session, program: Command): void {
  action(
    session,
    program
      .command("diff")
      .description("show what a run changed, as far as it is not in the workspace yet")
      .argument(...RUN)
      .argument("[path...]", "only what was changed at or below these paths of the workspace")
      .option("--stat", "names and numbers of lines")
      .option("--no-color", "without colours, as with NO_COLOR")
      .option(...WORKSPACE)
      .addHelpText("after", DIFF_JSON),
    async () => (await import("./changes/diff.ts")).diff,
  );
  action(
    session,
    program
      .command("commit")
      .description("apply what a run changed to the workspace; what was changed there meanwhile is left alone")
      .argument(...RUN)
      .option(...ONLY)
      .option("--overwrite", "also replace what the workspace has changed meanwhile")
      .option("--dry-run", "only say what would be applied")
      .option(...WORKSPACE)
      .addHelpText("after", COMMIT_JSON),
    async () => (await import("./changes/commit.ts")).commit,
  );
  action(
    session,
    program
      .command("discard")
      .description("forget what a run changed, for good")
      .argument(...RUN)
      .option(...ONLY)
      .option("--yes", "do not ask; needed where nobody can be asked")
      .option(...WORKSPACE)
      .addHelpText("after", "\nWith --json: { run, workspace, discarded: [{ path, before, after, conflict? }] }"),
    async () => (await import("./changes/discard.ts")).discard,
  );
  action(
    session,
    program
      .command("export")
      .description("write what a run changed as a patch for `git apply` and, for texts, `patch -p1`")
      .argument(...RUN)
      .requiredOption("--patch [file]", "the file to write; without one, the patch goes to stdout")
      .option(...ONLY)
      .option(...WORKSPACE)
      .addHelpText("after", EXPORT_JSON),
    async () => (await import("./changes/export.ts")).exportPatch,
  );
}

const DIFF_JSON = `
With --json: { run, workspace, changes: [{ path, before, after, conflict?, added, removed, binary }],
  history: [{ action, at, by, overwrite, workspace, changes, outcome, applied, refused }] };
  before, after and conflict are { kind: nothing | file | directory | link | other, digest?, size?, executable?, target? }`;

const COMMIT_JSON = `
Exit code 0 when everything that was asked for is applied, 4 when something was refused.
With --json: { run, workspace, dryRun, applied: [{ path, before, after }], refused: [{ path, before, after, conflict?, reason }] }`;

const EXPORT_JSON = `
With --json: { run, workspace, file, bytes, patch?, left: [{ path, reason }], refused: [{ path, reason }] }; \`patch\` is base64, where there is no file`;
