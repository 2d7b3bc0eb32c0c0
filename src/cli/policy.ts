import { Command } from "commander";
import { action, type Session } from "./command.ts";

/** `pinion policy`: what runs may do, and why. */
export function policyCommand(session: Session): Command {
  const program = new Command("policy").description("explain, show and check what agents may do");
  action(
    session,
    program
      .command("explain")
      .description("say whether one call of a tool would be allowed, and which rule of which layer decides")
      .argument("<blueprint|run>", "a blueprint, by file or name, or the id of a run")
      .requiredOption("--tool <name>", "the tool")
      .requiredOption("--arguments <json|file>", "its arguments: JSON, or a file that holds it")
      .option("--workspace <folder>", "look up what the call names here; nothing is changed")
      .option("--policy <file>", "a policy bundle that is given for the run")
      .addHelpText("after", EXPLAIN),
    async () => (await import("./policy-actions.ts")).explain,
  );
  action(
    session,
    program
      .command("show")
      .description("show the effective permission, layer by layer and together")
      .argument("<blueprint|run>", "a blueprint, by file or name, or the id of a run")
      .option("--policy <file>", "a policy bundle that is given for the run")
      .addHelpText("after", SHOW),
    async () => (await import("./policy-actions.ts")).show,
  );
  action(
    session,
    program
      .command("check")
      .description("check a policy file, and warn of rules that never match or let other tools do the same")
      .argument("<file>", "a policy bundle")
      .addHelpText("after", CHECK),
    async () => (await import("./policy-actions.ts")).check,
  );
  return program;
}

const EXPLAIN = `
With --json: { of, tool, taxon, allow, rule, reason, layers: [{ layer, allow, rule, reason }], resolution,
approvals: [{ by, scopes, expiresMs, users, keys }], leases: [{ capability, by }], secrets: [{ name, as, to, allow }], exit }.
Exit code: 0 allowed, 4 denied.`;

const SHOW = `
With --json: { of, layers: [{ name, digest, grants }], effective: { tools, read, write, processes, processBackends, processNetwork,
domains, secrets, limits }, denied: { files, processes, domains } }`;

const CHECK = `
With --json: { ok: true, name, version, warnings } or { ok: false, faults }, both lists of
{ file, line, column, pointer, message, expected? }. Exit code: 0 also with warnings, 2 with faults.`;
