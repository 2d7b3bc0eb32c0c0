import { allow, defineHook, transform } from "./sdk/hook.ts";

interface Config {
  readonly note: string;
}

/** Adds a note to the goal of a run. */
export const { configure, handle } = defineHook({
  role: "transformer",
  // The manifest's schema has been checked, and its defaults are filled in.
  configure: (config) => config as unknown as Config,
  handlers: {
    // A payload may come by more than once: what is done already is left alone.
    "pre-plan": (payload, { note }) =>
      payload.goal.endsWith(note)
        ? allow("the note is there")
        : transform({ ...payload, goal: `${payload.goal}\n${note}` }, "added the note"),
  },
});
