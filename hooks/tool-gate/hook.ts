import { isJsonObject, type JsonObject } from "../../src/model/json.ts";
import { allow, block, defineHook, type Verdict } from "../sdk/hook.ts";
import { member } from "./match.ts";
import { type Rule, Rules, type Subject } from "./rules.ts";

/** Allows and denies tool calls and child agents by the rules of its pinned configuration; what no rule allows is blocked. */
export const { configure, handle } = defineHook<Rules>({
  configure(config) {
    const { allow: allowed = [], deny = [] } = config as { readonly allow?: Rule[]; readonly deny?: Rule[] };
    return new Rules({ allow: allowed, deny });
  },
  handlers: {
    "pre-tool": ({ call, resolution }, rules) =>
      verdict(rules, {
        tool: call.tool,
        taxon: call.taxon,
        child: childName(resolution),
        arguments: call.arguments,
        resolution,
      }),
    spawn: ({ child, goal }, rules) =>
      verdict(rules, { tool: "agent.spawn", taxon: "agent", child: child.name, arguments: { goal }, resolution: {} }),
  },
});

function verdict(rules: Rules, subject: Subject): Verdict {
  const { allowed, rationale } = rules.judge(subject);
  return allowed ? allow(rationale) : block(rationale);
}

function childName(resolution: JsonObject): string | undefined {
  const child = member(resolution, "child");
  const name = child !== undefined && isJsonObject(child) ? member(child, "name") : undefined;
  return typeof name === "string" ? name : undefined;
}
