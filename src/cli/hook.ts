import type { ExitCode } from "../model/errors.ts";
import { runProgram } from "./command.ts";
import type { Group } from "./spec.ts";

/** The command `hook`. */
export const HOOK: Group = {
  name: "hook",
  summary: "look at hooks",
  commands: [
    {
      name: "list",
      summary: "list the hooks that ship with Pinion",
      json: "[{ name, version, description, digest, component, role, phases, limits }]",
      load: async () => (await import("./hook-files.ts")).list,
    },
  ],
};

export async function main(argv: readonly string[]): Promise<ExitCode> {
  return runProgram(HOOK, argv);
}
