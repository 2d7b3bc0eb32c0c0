import type { Group } from "./spec.ts";

/** `pinion run`: runs that exist. A run is started with `blueprint run`. */
export const RUN: Group = {
  name: "run",
  summary: "list, re-arm and resume runs",
  commands: [
    {
      name: "list",
      summary: "list the runs of this user",
      json: "[{ run, state, agent, steps, startedAt, reason }]",
      load: async () => (await import("./run-actions.ts")).list,
    },
    {
      name: "rearm",
      summary: "let a hook that failed be asked again; the run goes on when it is resumed",
      arguments: [
        { name: "run", summary: "id of the run" },
        { name: "hook", summary: "name of the hook" },
      ],
      options: [{ name: "reason", value: "text", required: true, summary: "why; it is recorded" }],
      json: "{ run, hook, reason }",
      load: async () => (await import("./run-actions.ts")).rearm,
    },
    {
      name: "resume",
      summary: "go on with a run that is paused or was cut off",
      arguments: [{ name: "run", summary: "id of the run" }],
      json: "the object of `blueprint run --json`",
      load: async () => (await import("./run-actions.ts")).resume,
    },
  ],
};
