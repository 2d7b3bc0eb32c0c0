import type { ExitCode } from "../model/errors.ts";
import { runProgram } from "./command.ts";
import type { Group } from "./spec.ts";

/** The command `blueprint`. */
export const BLUEPRINT: Group = {
  name: "blueprint",
  summary: "run and check agents that one file pins",
  commands: [
    {
      name: "run",
      summary: "run a blueprint towards a goal",
      arguments: [{ name: "file", summary: "the blueprint" }],
      options: [
        { name: "goal", value: "text", required: true, summary: "what the agent is to achieve" },
        { name: "workspace", value: "folder", required: true, summary: "the folder that it works in" },
        { name: "model", value: "provider:id", summary: "use this model instead of the blueprint's" },
        { name: "base-url", value: "url", summary: "address of the provider, for compatible servers" },
        { name: "record", value: "file", summary: "write a recording that `harness replay` runs again" },
      ],
      json: `{ run, state, steps, blocked, redactions, recording, head, blueprint,
  tokens: { input, output }, reason, result, children, journal, exit }`,
      load: async () => (await import("./blueprint-run.ts")).run,
    },
    {
      name: "validate",
      summary: "check a blueprint and the bytes of everything that it pins",
      arguments: [{ name: "file", summary: "the blueprint" }],
      json: `{ ok: true, digest, name, version, warnings } or
  { ok: false, faults: [{ file, line, column, pointer, message, expected? }] }`,
      load: async () => (await import("./blueprint-files.ts")).validate,
    },
    {
      name: "list",
      summary: "list the blueprints of folders, and those that ship with Pinion",
      arguments: [{ name: "folder", many: true, summary: "where to look; the current folder unless given" }],
      json: `[{ kind: "blueprint", name, version, description, digest, file } or
  { kind: "broken", file, fault, faults }]`,
      load: async () => (await import("./blueprint-files.ts")).list,
    },
    {
      name: "show",
      summary: "show what a blueprint pins and allows",
      arguments: [{ name: "name", summary: "name, name@version, or a file" }],
      json: `{ name, version, description, digest, file, model, tools, chain, limits,
  pins: [{ kind, name, version, digest }] }`,
      load: async () => (await import("./blueprint-files.ts")).show,
    },
  ],
};

export async function main(argv: readonly string[]): Promise<ExitCode> {
  return runProgram(BLUEPRINT, argv);
}
