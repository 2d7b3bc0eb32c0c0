import { Command } from "commander";
import type { ExitCode } from "../model/errors.ts";
import { action, runProgram, type Session } from "./command.ts";
import { addProposalCommands } from "./hook-proposals.ts";
import { addTrustCommands } from "./hook-trust.ts";

const MANIFEST = "a manifest, or the folder of its `hook.yaml`";

/** The command `hook`. Parts that do work are loaded when they are asked for, so that `--help` stays quick. */
export function hookCommand(session: Session): Command {
  const program = new Command("hook").description("write, build, try, sign and look at hooks");
  action(
    session,
    program
      .command("list")
      .description("list the hooks that ship with Pinion")
      .addHelpText(
        "after",
        "\nWith --json: [{ name, version, description, digest, component, role, phases, limits, tier }]",
      ),
    async () => (await import("./hook-files.ts")).list,
  );
  action(
    session,
    program
      .command("new")
      .description("make the folder of a new hook: manifest, source, cases")
      .argument("<name>", "its name: lower-case letters, digits and hyphens")
      .requiredOption("--lang <language>", "ts, assemblyscript or c")
      .option("--role <role>", "gate, transformer or observer", "gate")
      .option("--dir <folder>", "where to make it; the current folder unless given")
      .addHelpText("after", "\nWith --json: { name, folder, files }"),
    async () => (await import("./hook-new.ts")).create,
  );
  action(
    session,
    program
      .command("build")
      .description("build the component from its source, and write its digest into the manifest")
      .argument("[manifest]", MANIFEST, ".")
      .addHelpText("after", BUILD),
    async () => (await import("./hook-build.ts")).build,
  );
  action(
    session,
    program
      .command("test")
      .description("ask a hook the cases of its `cases.yaml`")
      .argument("[manifest]", MANIFEST, ".")
      .addHelpText("after", TEST),
    async () => (await import("./hook-test.ts")).test,
  );
  action(
    session,
    program
      .command("run")
      .description("ask a hook once, confined as in a run")
      .argument("[manifest]", MANIFEST, ".")
      .requiredOption("--phase <phase>", "the boundary, e.g. pre-tool")
      .requiredOption("--input <file>", "the payload, JSON or YAML; `-` is standard input")
      .option("--config <file>", "its configuration, JSON or YAML; {} unless given")
      .option("--workspace <folder>", "grant it the files that its manifest asks for, below this folder")
      .addHelpText("after", RUN),
    async () => (await import("./hook-run.ts")).run,
  );
  action(
    session,
    program
      .command("bench")
      .description("measure how long a hook takes")
      .argument("[manifest]", MANIFEST, ".")
      .option("--phase <phase>", "the boundary; with --input")
      .option("--input <file>", "the payload; the first case of `cases.yaml` unless given")
      .option("--config <file>", "its configuration")
      .option("--calls <number>", "how many calls are measured", "2000")
      .addHelpText("after", BENCH),
    async () => (await import("./hook-bench.ts")).bench,
  );
  action(
    session,
    program
      .command("inspect")
      .description("say what a component is made of and what it can reach, without running it")
      .argument("<file>", "a component (.wasm), a manifest (hook.yaml), or its folder")
      .addHelpText("after", INSPECT),
    async () => (await import("./hook-inspect.ts")).inspect,
  );
  addProposalCommands(session, program);
  addTrustCommands(session, program);
  return program;
}

const BUILD = `
The source is hook.ts, assembly/index.ts or hook.c beside the manifest. Exit code 1 when it does not
compile or its compiler is not there, 2 when the manifest is wrong or there is no source.
With --json: { hook, language, component, bytes, digest, manifest }, where digest is the component's and
manifest is what a blueprint pins`;

const TEST = `
Each case has an instance of its own, and the clock stands at 2023-11-14T22:13:20Z.
Exit code 3 when a case fails.
With --json: { hook, passed, failed, cases: [{ name, ok, differences: [{ what, expected, found }] }], exit }`;

const RUN = `
Calls of tools are denied, since they need a run to be part of; so are files, unless --workspace is given.
Random bytes are the same each time. Exit code 0 for allow and transform, 4 for block and for a hook that fails,
6 when it demands an approval.
With --json: { hook, version, phase, decision, cause?, rationale, payload?, events, capsules, approvals,
calls: [{ call, answer? }], fuel?, limits, exit }`;

const BENCH = `
One call after another through a hook host, and 300 before that are not measured.
With --json: { hook, phase, payloadBytes, calls, firstLoadMs, loadMs, firstCallMs, p50Ms, p99Ms,
callsPerSecond, fuel: { least, most }, privateBytes? }`;

const INSPECT = `
Exit code 2 for a component that may not be used, 5 when it is not the one that its manifest names.
With --json: { file, digest, bytes, ok, refused?, world?, imports?: [{ interface, functions }], exports?,
modules?: [{ bytes, functions, codeBytes, memory?: { initial, maximum? }, tables }],
manifest?: { name, version, digest, role, tier, signature, phases, instance, limits, authority }, exit }`;

export async function main(args: readonly string[]): Promise<ExitCode> {
  return runProgram(args, hookCommand);
}
