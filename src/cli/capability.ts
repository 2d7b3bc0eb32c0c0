import { Command } from "commander";
import { action, type Session } from "./command.ts";
import { waiting } from "./run-control.ts";

/** `pinion capability`: the leases of a run. */
export function capabilityCommand(session: Session): Command {
  const program = new Command("capability").description("look at the leases of a run, and take them back");
  for (const [name, description, load] of [
    [
      "list",
      "list the leases of a run, in the order in which they were made",
      async () => (await import("./capability/look.ts")).list,
    ],
    ["tree", "show which lease came from which", async () => (await import("./capability/look.ts")).tree],
  ] as const) {
    action(
      session,
      program
        .command(name)
        .description(description)
        .argument("<recording|run>", "a recording, or the id of a run; no key is needed")
        .addHelpText("after", LISTED),
      load,
    );
  }
  action(
    session,
    waiting(
      program.command("revoke").description("take back a lease and all that came from it, in the run and its children"),
    )
      .argument("<run>", "id of the run")
      .argument("<lease>", "name of the lease, such as lease-3")
      .requiredOption("--reason <text>", "why; it is recorded")
      .addHelpText("after", "\nWith --json: { run, lease, reason, state, done, process }"),
    async () => (await import("./capability/revoke.ts")).revoke,
  );
  return program;
}

const LISTED = `
With --json: { run, leases: [{ lease, state, holder, issuer, parent, from, capability, used, left, until, reason }], refused }`;
