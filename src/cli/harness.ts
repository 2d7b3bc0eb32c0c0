import type { ExitCode } from "../model/errors.ts";
import { runProgram } from "./command.ts";
import type { Group } from "./spec.ts";

/** The command `harness`. */
export const HARNESS: Group = {
  name: "harness",
  summary: "replay and read recordings",
  commands: [
    {
      name: "replay",
      summary: "run a recording again, hooks and all, without model, network or workspace",
      arguments: [{ name: "file", summary: "a recording, or the folder of a run" }],
      options: [
        {
          name: "key",
          value: "file",
          summary: "the run key, when it is not beside the recording or in the state directory",
        },
        { name: "artifacts", value: "folder", many: true, summary: "one more place to look for artifacts by digest" },
      ],
      json: `{ answer, message, run, entries, steps,
  divergence?: { seq, kind, phase?, hook?, expected, found }, exit }
Exit code: 0 identical, 3 diverged or incomplete, 5 damaged`,
      load: async () => (await import("./harness-recordings.ts")).replay,
    },
    {
      name: "show",
      summary: "print the timeline of a recording",
      arguments: [{ name: "file", summary: "a recording, the folder of a run, or the id of a run" }],
      options: [{ name: "all", summary: "every verdict and every entry" }],
      json: "{ run, kernel, state, message, head, lines: [{ seq, mark, text, tone, minor }] }",
      load: async () => (await import("./harness-recordings.ts")).show,
    },
  ],
};

export async function main(argv: readonly string[]): Promise<ExitCode> {
  return runProgram(HARNESS, argv);
}
