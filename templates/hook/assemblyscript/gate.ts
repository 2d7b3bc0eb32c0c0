import { count, element, member, text } from "./json";
import { allow, block, emit, fail, Phase, Verdict } from "./pinion";

let deny: string = "[]";

/** Reads the configuration, JSON that fits the manifest's schema. An error, or "" for none. */
export function configure(config: string): string {
  deny = member(config, "deny");
  return "";
}

/** Answers a boundary: blocks the tools that the configuration names. */
export function handle(_phase: Phase, payload: string): Verdict {
  const tool = member(member(payload, "call"), "tool");
  const name = text(tool);
  for (let i = 0; i < count(deny); i += 1) {
    if (text(element(deny, i)) != name) continue;
    const refused = emit("denied", '{"tool":' + tool + "}");
    return refused == "" ? block("`" + name + "` is denied here") : fail(refused);
  }
  return allow("`" + name + "` is not denied");
}
