import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commonCommands, commonDomains } from "../../src/capability/intersection.ts";
import type { Layer } from "../../src/capability/layer.ts";
import { type Authority, effectivePermission } from "../../src/capability/permission.ts";
import { TAXA } from "../../src/model/phase.ts";
import { layerOf } from "../support/layers.ts";
import { runs, seed } from "../support/property.ts";

// A small world, so that rules and questions meet.
const word = fc.constantFrom("a", "b", "c");
const argv = fc.array(word, { minLength: 1, maxLength: 4 });
const pattern = fc
  .tuple(fc.array(fc.oneof(word, fc.constant("*")), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([words, open]) => (open ? [...words, "**"] : words));
const host = fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 3 }).map((labels) => labels.join("."));
const domain = fc.oneof(
  { weight: 4, arbitrary: host },
  { weight: 4, arbitrary: host.map((name) => `*.${name}`) },
  { weight: 1, arbitrary: fc.constant("*") },
);
const few = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { maxLength: 3 });
const name = fc.constantFrom("x", "y", "*");
const budget = fc.option(fc.nat(9), { nil: undefined });

const layer: fc.Arbitrary<Layer> = fc
  .record({
    name: fc.constantFrom("one", "two", "three", "four"),
    process: fc.record({ allow: few(pattern), deny: few(pattern), network: fc.constantFrom("none", "host") }),
    network: fc.record({ domains: few(domain), deny: few(domain) }),
    tools: fc.record({
      taxa: few(fc.constantFrom(...TAXA.slice(0, 3))),
      allow: few(name),
      deny: few(fc.constantFrom("x", "y")),
    }),
    secrets: fc.record({ allow: few(name) }),
    spawn: fc.record({ depth: fc.nat(2), count: fc.nat(2) }),
    budgets: fc.record({ steps: budget, approvals: budget }),
  })
  .map(({ name, budgets, ...parts }) =>
    layerOf(name, { ...parts, budgets: JSON.parse(JSON.stringify(budgets)) as Record<string, number> }),
  );
const layers = fc.array(layer, { minLength: 1, maxLength: 4 });
const question = fc.record({
  argv,
  host,
  tool: fc.record({ name: fc.constantFrom("x", "y"), taxon: fc.constantFrom(...TAXA.slice(0, 3)) }),
  secret: fc.constantFrom("x", "y"),
  depth: fc.integer({ min: 1, max: 3 }),
});
type Question = {
  argv: string[];
  host: string;
  tool: { name: string; taxon: Layer["tools"]["taxa"][number] };
  secret: string;
  depth: number;
};

/** All answers, each as naively as it can be said. */
function plainly(all: readonly Layer[], { argv, host, tool, secret, depth }: Question): Record<string, boolean> {
  const every = (test: (layer: Layer) => boolean): boolean => all.every(test);
  const runs = (pattern: readonly string[]): boolean => {
    const words = pattern.map((part) => (part === "**" ? "( \\S+)*" : part === "*" ? " \\S+" : ` ${part}`));
    return new RegExp(`^${words.join("")}$`).test(argv.map((part) => ` ${part}`).join(""));
  };
  const reaches = (pattern: string): boolean =>
    new RegExp(`^${pattern === "*" ? ".+" : pattern.replaceAll(".", "\\.").replace("*", ".+")}$`).test(host);
  return {
    process: every(({ process }) => process.allow.some(runs) && !process.deny.some(runs)),
    network: every(({ network }) => network.domains.some(reaches) && !network.deny.some(reaches)),
    tool: every(
      ({ tools }) =>
        tools.taxa.includes(tool.taxon) &&
        (tools.allow.includes("*") || tools.allow.includes(tool.name)) &&
        !tools.deny.includes(tool.name),
    ),
    secret: every(({ secrets }) => secrets.allow.includes("*") || secrets.allow.includes(secret)),
    spawn: every(({ spawn }) => spawn.count > 0 && depth <= spawn.depth),
    host: every(({ process }) => process.network === "host"),
  };
}

function answers(authority: Authority, { argv, host, tool, secret, depth }: Question): Record<string, boolean> {
  return {
    process: authority.process(argv).allow,
    network: authority.network(host).allow,
    tool: authority.tool(tool).allow,
    secret: authority.secret(secret).allow,
    spawn: authority.spawn({ depth }).allow,
    host: authority.processNetwork === "host",
  };
}

const COUNT = runs(400, 50_000);

describe("the effective permission of random layers", () => {
  test("is what a plain definition of it says", () => {
    fc.assert(
      fc.property(layers, question, (all, asked) => {
        expect(answers(effectivePermission(all), asked)).toEqual(plainly(all, asked));
      }),
      { seed, numRuns: COUNT },
    );
  });

  test("never allows more when a layer is added, and bounds no budget less", () => {
    fc.assert(
      fc.property(layers, layer, question, (all, added, asked) => {
        const [before, after] = [effectivePermission(all), effectivePermission([...all, added])];
        const [were, are] = [answers(before, asked), answers(after, asked)];
        for (const [what, allow] of Object.entries(are)) expect(!allow || were[what], what).toBe(true);
        for (const [budget, bound] of Object.entries(before.budgets))
          expect((after.budgets as Record<string, number>)[budget]).toBeLessThanOrEqual(bound);
      }),
      { seed, numRuns: COUNT },
    );
  });

  test("is the same in words too, in whatever order the layers come and however often, also when they share a name", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(layer, { minLength: 1, maxLength: 4, selector: JSON.stringify }),
        question,
        (all, asked) => {
          const [forward, backward] = [effectivePermission(all), effectivePermission(all.toReversed())];
          expect(backward.process(asked.argv)).toEqual(forward.process(asked.argv));
          expect(backward.network(asked.host)).toEqual(forward.network(asked.host));
          expect(backward.tool(asked.tool)).toEqual(forward.tool(asked.tool));
          expect(answers(effectivePermission([...all, ...all]), asked)).toEqual(answers(forward, asked));
        },
      ),
      { seed, numRuns: COUNT },
    );
  });
});

describe("patterns that lists have in common", () => {
  const allows = (allow: readonly (readonly string[])[], words: readonly string[]): boolean =>
    effectivePermission([layerOf("a", { process: { allow } })]).process(words).allow;
  const reaches = (domains: readonly string[], name: string): boolean =>
    effectivePermission([layerOf("a", { network: { domains } })]).network(name).allow;

  test("allow a command line exactly where each list does", () => {
    fc.assert(
      fc.property(fc.array(few(pattern), { minLength: 1, maxLength: 3 }), argv, (lists, words) => {
        expect(allows(commonCommands(lists), words)).toBe(lists.every((list) => allows(list, words)));
      }),
      { seed, numRuns: COUNT },
    );
  });

  test("allow a domain exactly where each list does", () => {
    fc.assert(
      fc.property(fc.array(few(domain), { minLength: 1, maxLength: 3 }), host, (lists, name) => {
        expect(reaches(commonDomains(lists), name)).toBe(lists.every((list) => reaches(list, name)));
      }),
      { seed, numRuns: COUNT },
    );
  });
});
