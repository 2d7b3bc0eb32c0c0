import { allow, defineHook } from "./sdk/hook.ts";
import { emit } from "./sdk/host.ts";

let count = 0;

/** Counts the boundaries that were blocked. */
export const { configure, handle } = defineHook({
  role: "observer",
  configure: () => undefined,
  handlers: {
    audit: ({ boundary, decision }) => {
      if (decision === "block") {
        count += 1;
        emit("blocked", { boundary, count });
      }
      return allow("seen");
    },
  },
});
