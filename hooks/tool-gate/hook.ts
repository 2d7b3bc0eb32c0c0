import type { Json, JsonObject } from "../../src/model/json.ts";
import { allow, block, defineHook, type Verdict } from "../sdk/hook.ts";
import { member } from "./match.ts";
import { type Config, judge, type Rule, type Subject } from "./rules.ts";

/** Allows and denies tool calls and child agents by the rules of its pinned configuration; what no rule allows is blocked. */
export const { configure, handle } = defineHook<Config>({
  configure(config) {
    const { allow: allowed = [], deny = [] } = config as { allow?: readonly Rule[]; deny?: readonly Rule[] };
    for (const rule of [...allowed, ...deny]) checkArgv(rule);
    return { allow: allowed, deny };
  },
  handlers: {
    "pre-tool": ({ call, resolution }, config) =>
      verdict(config, {
        tool: call.tool,
        taxon: call.taxon,
        child: childName(resolution),
        arguments: call.arguments,
        resolution,
      }),
    spawn: ({ child, goal }, config) =>
      verdict(config, { tool: "agent.spawn", taxon: "agent", child: child.name, arguments: { goal }, resolution: {} }),
  },
});

function verdict(config: Config, subject: Subject): Verdict {
  const { allowed, rationale } = judge(config, subject);
  return allowed ? allow(rationale) : block(rationale);
}

function childName(resolution: JsonObject): string | undefined {
  const child: Json | undefined = member(resolution, "child");
  const name = typeof child === "object" && child !== null && "name" in child ? child.name : undefined;
  return typeof name === "string" ? name : undefined;
}

/** `**` in the middle of a command line would let anything stand before arguments that look checked. */
function checkArgv(rule: Rule): void {
  for (const condition of [...Object.values(rule.arguments ?? {}), ...Object.values(rule.resolution ?? {})]) {
    for (const pattern of condition.argv ?? []) {
      if (pattern.slice(0, -1).includes("**")) {
        throw new Error(`argv pattern ${JSON.stringify(pattern)}: \`**\` may only be the last element`);
      }
    }
  }
}
