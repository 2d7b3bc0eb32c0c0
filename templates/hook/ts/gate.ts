import { allow, block, defineHook } from "./sdk/hook.ts";
import { emit } from "./sdk/host.ts";

interface Config {
  readonly deny: readonly string[];
}

/** Blocks the tools that its configuration names. */
export const { configure, handle } = defineHook({
  role: "gate",
  // The manifest's schema has been checked, and its defaults are filled in.
  configure: (config) => config as unknown as Config,
  handlers: {
    "pre-tool": ({ call }, { deny }) => {
      if (!deny.includes(call.tool)) return allow(`\`${call.tool}\` is not denied`);
      emit("denied", { tool: call.tool });
      return block(`\`${call.tool}\` is denied here`);
    },
  },
});
