import type { Common } from "../../src/model/payload.ts";
import { allow, block, defineHook, emit, type Verdict } from "../sdk/hook.ts";

type Name = "steps" | "tokens" | "toolCalls" | "spawned";

interface Config {
  readonly budgets: Readonly<Partial<Record<Name, number>>>;
  readonly warnAt: number;
}

/** Budgets in the order in which they are checked; what is used always comes from the payload. */
interface Use {
  readonly name: Name;
  /** With what this boundary is about to use. */
  readonly needed: number;
}

const warned = new Set<Name>();

/** Blocks what would exceed a budget, and warns once when a budget is nearly used up. */
export const { configure, handle } = defineHook<Config>({
  configure(config) {
    const { warnAt = 0.8, ...budgets } = config as Partial<Record<Name | "warnAt", number>>;
    return { budgets, warnAt };
  },
  handlers: {
    "pre-plan": (payload, config) => verdict(config, [steps(payload), tokens(payload)]),
    "pre-send": (payload, config) => verdict(config, [steps(payload), tokens(payload)]),
    "pre-tool": ({ usage }, config) => verdict(config, [{ name: "toolCalls", needed: usage.toolCalls }]),
    spawn: (payload, config) =>
      verdict(config, [{ name: "spawned", needed: payload.usage.spawned + 1 }, tokens(payload)]),
  },
});

/** The current step is counted already. */
function steps({ usage }: Common): Use {
  return { name: "steps", needed: usage.steps };
}

/** A model call needs at least one token more. */
function tokens({ usage }: Common): Use {
  return { name: "tokens", needed: usage.inputTokens + usage.outputTokens + 1 };
}

function verdict({ budgets, warnAt }: Config, uses: readonly Use[]): Verdict {
  const said: string[] = [];
  for (const { name, needed } of uses) {
    const allowed = budgets[name];
    if (allowed === undefined) continue;
    if (needed > allowed) {
      return block(
        `budget \`${name}\` is used up: ${allowed} allowed, ${needed} needed; raise it in the blueprint or start a new run`,
      );
    }
    if (needed >= allowed * warnAt && !warned.has(name)) {
      warned.add(name);
      emit("budget-warning", { allowed, budget: name, used: needed });
    }
    said.push(`\`${name}\` ${needed} of ${allowed}`);
  }
  return allow(said.length === 0 ? "no budget applies here" : `within budget: ${said.join(", ")}`);
}
