import type { JsonObject } from "../../src/model/json.ts";
import type { Taxon } from "../../src/model/phase.ts";
import { type Condition, meets, member, nameMatches, type Side } from "./match.ts";

/** One rule; all of what it names must hold. */
export interface Rule {
  readonly name?: string;
  readonly tools?: readonly string[];
  readonly taxa?: readonly Taxon[];
  /** Names of the agents that `agent.spawn` would start. */
  readonly children?: readonly string[];
  readonly arguments?: Readonly<Record<string, Condition>>;
  readonly resolution?: Readonly<Record<string, Condition>>;
}

export interface Config {
  readonly allow: readonly Rule[];
  readonly deny: readonly Rule[];
}

/** What is judged: a tool call, or the start of a child. */
export interface Subject {
  readonly tool: string;
  readonly taxon: Taxon;
  readonly child: string | undefined;
  readonly arguments: JsonObject;
  readonly resolution: JsonObject;
}

export interface Judgement {
  readonly allowed: boolean;
  /** Names the rule and never quotes a value: that could be a secret. */
  readonly rationale: string;
}

/** Denials win, then the first rule that allows; what no rule allows is denied. */
export function judge(config: Config, subject: Subject): Judgement {
  for (const [index, rule] of config.deny.entries()) {
    if (mismatch(rule, subject, "deny") === undefined) {
      return { allowed: false, rationale: `${title("deny", index, rule)}: \`${subject.tool}\` is denied here` };
    }
  }
  let nearest = "";
  for (const [index, rule] of config.allow.entries()) {
    const wrong = mismatch(rule, subject, "allow");
    if (wrong === undefined) {
      return { allowed: true, rationale: `${title("allow", index, rule)}: \`${subject.tool}\` is allowed` };
    }
    if (nearest === "" && wrong !== "")
      nearest = `; the nearest, ${title("allow", index, rule)}, does not fit: ${wrong}`;
  }
  return { allowed: false, rationale: `no rule allows \`${subject.tool}\` (${subject.taxon})${nearest}` };
}

/** Undefined when the rule fits; otherwise what does not, or an empty text when the rule is about another tool. */
function mismatch(rule: Rule, subject: Subject, side: Side): string | undefined {
  if (rule.tools !== undefined && !rule.tools.some((pattern) => nameMatches(pattern, subject.tool))) return "";
  if (rule.taxa !== undefined && !rule.taxa.includes(subject.taxon)) return "";
  if (rule.children !== undefined) {
    const { child } = subject;
    if (child === undefined || !rule.children.some((pattern) => nameMatches(pattern, child))) return "the child's name";
  }
  return (
    unmet("argument", rule.arguments, subject.arguments, side) ??
    unmet("resolved", rule.resolution, subject.resolution, side)
  );
}

function unmet(
  what: string,
  conditions: Readonly<Record<string, Condition>> = {},
  values: JsonObject,
  side: Side,
): string | undefined {
  for (const [name, condition] of Object.entries(conditions)) {
    const value = member(values, name);
    if (value === undefined || !meets(condition, value, side)) return `${what} \`${name}\``;
  }
  return undefined;
}

function title(side: Side, index: number, rule: Rule): string {
  return `rule ${side}[${index}]${rule.name === undefined ? "" : ` ${JSON.stringify(rule.name)}`}`;
}
