import type { JsonObject } from "../../src/model/json.ts";
import type { Taxon } from "../../src/model/phase.ts";
import { type Condition, member, nameTest, type Side, type Test, testOf } from "./match.ts";

/** One rule of the configuration; all of what it names must hold. */
export interface Rule {
  readonly name?: string;
  readonly tools?: readonly string[];
  readonly taxa?: readonly Taxon[];
  /** Names of the agents that `agent.spawn` would start. */
  readonly children?: readonly string[];
  readonly arguments?: Readonly<Record<string, Condition>>;
  readonly resolution?: Readonly<Record<string, Condition>>;
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

interface ReadRule {
  readonly title: string;
  /** Whether the rule is about this tool at all. */
  readonly concerns: (subject: Subject) => boolean;
  /** What about the call does not fit, or undefined. */
  readonly mismatch: (subject: Subject) => string | undefined;
}

/** Rules that were read once and judge many calls. */
export class Rules {
  readonly #allow: readonly ReadRule[];
  readonly #deny: readonly ReadRule[];

  /** Throws for a pattern that would not mean what it seems to. */
  constructor(rules: { readonly allow: readonly Rule[]; readonly deny: readonly Rule[] }) {
    this.#allow = rules.allow.map((rule, index) => readRule("allow", index, rule));
    this.#deny = rules.deny.map((rule, index) => readRule("deny", index, rule));
  }

  /** Denials win, then the first rule that allows; what no rule allows is denied. */
  judge(subject: Subject): Judgement {
    for (const rule of this.#deny) {
      if (!rule.concerns(subject) || rule.mismatch(subject) !== undefined) continue;
      return { allowed: false, rationale: `${rule.title}: \`${subject.tool}\` is denied here` };
    }
    let nearest = "";
    for (const rule of this.#allow) {
      if (!rule.concerns(subject)) continue;
      const wrong = rule.mismatch(subject);
      if (wrong === undefined) return { allowed: true, rationale: `${rule.title}: \`${subject.tool}\` is allowed` };
      if (nearest === "") nearest = `; the nearest, ${rule.title}, does not fit: ${wrong}`;
    }
    return { allowed: false, rationale: `no rule allows \`${subject.tool}\` (${subject.taxon})${nearest}` };
  }
}

function readRule(side: Side, index: number, rule: Rule): ReadRule {
  const { taxa } = rule;
  const isTool = rule.tools && nameTest(rule.tools);
  const isChild = rule.children && nameTest(rule.children);
  const conditions = [
    ...readConditions("argument", rule.arguments, side, (subject) => subject.arguments),
    ...readConditions("resolved", rule.resolution, side, (subject) => subject.resolution),
  ];
  return {
    title: `rule ${side}[${index}]${rule.name === undefined ? "" : ` ${JSON.stringify(rule.name)}`}`,
    concerns: ({ tool, taxon }) => (isTool?.(tool) ?? true) && (taxa?.includes(taxon) ?? true),
    mismatch(subject) {
      if (isChild !== undefined && (subject.child === undefined || !isChild(subject.child))) return "the child's name";
      for (const { what, name, test, from } of conditions) {
        const value = member(from(subject), name);
        if (value === undefined || !test(value)) return `${what} \`${name}\``;
      }
      return undefined;
    },
  };
}

interface ReadCondition {
  readonly what: string;
  readonly name: string;
  readonly test: Test;
  readonly from: (subject: Subject) => JsonObject;
}

function readConditions(
  what: string,
  conditions: Readonly<Record<string, Condition>> = {},
  side: Side,
  from: (subject: Subject) => JsonObject,
): readonly ReadCondition[] {
  return Object.entries(conditions).map(([name, condition]) => ({ what, name, test: testOf(condition, side), from }));
}
