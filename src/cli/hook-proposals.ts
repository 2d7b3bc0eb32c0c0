import type { Command } from "commander";
import { action, type Session } from "./command.ts";
import { duration, withPassphrase } from "./hook-trust.ts";

/** `hook propose` and `hook proposals`: hooks that nobody has approved yet. */
export function addProposalCommands(session: Session, program: Command): void {
  action(
    session,
    program
      .command("propose")
      .description("keep a hook as a proposal: it does nothing until it runs in shadow or is approved")
      .argument("[manifest]", "a manifest, or the folder of its `hook.yaml`", ".")
      .option("--reason <text>", "why; it is shown to who decides", "")
      .addHelpText("after", "\nWith --json: { proposal, name, version, isNew, digests }"),
    async () => (await import("./proposals/propose.ts")).propose,
  );
  const proposals = program.command("proposals").description("look at proposed hooks, and decide about them");
  action(
    session,
    proposals
      .command("list")
      .description("list all proposals, the oldest first")
      .option("--state <state>", "only those that are pending, approved, rejected or changed")
      .addHelpText("after", "\nWith --json: [{ proposal, state, name, version, by, reason, at }]"),
    async () => (await import("./proposals/list.ts")).list,
  );
  action(
    session,
    proposals
      .command("show")
      .description("show a proposal: who made it, what it changes, and what it showed in shadow")
      .argument("<proposal>", "its id")
      .option("--against <manifest>", "compare it with this hook")
      .addHelpText("after", SHOW),
    async () => (await import("./proposals/show.ts")).show,
  );
  action(
    session,
    withPassphrase(
      proposals.command("approve").description("sign exactly the bytes of a proposal, for blueprints to pin"),
    )
      .argument("<proposal>", "its id")
      .requiredOption("--key <file>", "the private key")
      .requiredOption(
        "--out <folder>",
        "where the hook goes: manifest, component and signature; not there yet, or empty",
      )
      .option(
        "--expires <time>",
        "how long the signature holds, in days (90d) or hours (12h); for ever unless given",
        duration,
      )
      .addHelpText("after", APPROVE),
    async () => (await import("./proposals/approve.ts")).approve,
  );
  action(
    session,
    proposals
      .command("reject")
      .description("decide that a proposal is not wanted")
      .argument("<proposal>", "its id")
      .requiredOption("--reason <text>", "why; it is kept with it")
      .addHelpText("after", "\nWith --json: { proposal, reason }"),
    async () => (await import("./proposals/reject.ts")).reject,
  );
}

const APPROVE = `
Exit code 5 when the files of the proposal are no longer what was proposed, 2 when the passphrase does not open the key.
With --json: { proposal, folder, name, version, digest, signature, source, key }`;

const SHOW = `
The newest approved version of the hook, or the one that ships with Pinion, is what it is compared with unless --against says
another. Exit code 5 when its files are no longer what was proposed.

With --json: { proposal, state, name, version, description, role, phases, powers, authority, by, call, reason, at, digests,
current, diff, shadow: { runs, unreadable, total }, decision }`;
