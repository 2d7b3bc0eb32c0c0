import type { ExitCode } from "../model/errors.ts";
import { output } from "./output.ts";
import { parse } from "./parse.ts";
import type { Handler, Spec } from "./spec.ts";

/**
 * Parses and runs a command line; resolves with the exit code and never rejects: whatever goes wrong is reported in one
 * place. What is only needed when something goes wrong, or to do the work, is loaded then.
 */
export async function runProgram(program: Spec, argv: readonly string[]): Promise<ExitCode> {
  const out = output();
  const json = argv.includes("--json");
  try {
    const parsed = parse(program, argv);
    switch (parsed.kind) {
      case "version": {
        const { version } = await import("./version.ts");
        out.data(version());
        return 0;
      }
      case "help": {
        const { helpText } = await import("./help.ts");
        out.data(helpText(parsed.spec, parsed.path));
        return 0;
      }
      case "wrong": {
        const { reportUsage } = await import("./report.ts");
        return reportUsage(parsed, { json, out });
      }
      case "call": {
        const handle = (await parsed.command.load()) as Handler<unknown>;
        return await handle({ args: parsed.args, options: parsed.options, json, out });
      }
    }
  } catch (error) {
    const { report } = await import("./report.ts");
    return report(error, { json, out });
  }
}
