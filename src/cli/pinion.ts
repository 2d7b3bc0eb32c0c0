import type { ExitCode } from "../model/errors.ts";
import { BLUEPRINT } from "./blueprint.ts";
import { runProgram } from "./command.ts";
import { HARNESS } from "./harness.ts";
import { HOOK } from "./hook.ts";
import { RUN } from "./run.ts";
import type { Group } from "./spec.ts";

/** The command `pinion`: everything, as nouns. */
export const PINION: Group = {
  name: "pinion",
  summary: "agents that are pinned, gated and replayable",
  commands: [
    BLUEPRINT,
    RUN,
    HOOK,
    HARNESS,
    {
      name: "doctor",
      summary: "look at what this machine offers",
      json: "{ ok, checks: [{ name, ok, needed, found, hint? }] }",
      load: async () => (await import("./doctor.ts")).doctor,
    },
  ],
};

export async function main(argv: readonly string[]): Promise<ExitCode> {
  return runProgram(PINION, argv);
}
