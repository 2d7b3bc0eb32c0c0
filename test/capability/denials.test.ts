import { describe, expect, test } from "vitest";
import { canonicalHost } from "../../src/capability/domains.ts";
import { effectivePermission } from "../../src/capability/permission.ts";
import { layerOf } from "../support/layers.ts";

const ANY = layerOf("any", {
  process: { allow: [["**"]] },
  network: { domains: ["*"] },
  tools: { taxa: ["workspace", "process"], allow: ["*"] },
  secrets: { allow: ["*"] },
  filesystem: { read: ["**"], write: ["**"] },
});

describe("command lines", () => {
  const denying = (...deny: string[][]) =>
    effectivePermission([ANY, layerOf("b", { process: { allow: [["**"]], deny } })]);

  test("`**` as the last word is any number of further words, none included; elsewhere it is a word", () => {
    const allowing = effectivePermission([
      layerOf("a", {
        process: {
          allow: [
            ["git", "log", "**"],
            ["a", "**", "b"],
          ],
        },
      }),
    ]);
    for (const argv of [
      ["git", "log"],
      ["git", "log", "-1"],
      ["git", "log", "-1", "--stat", "HEAD"],
      ["a", "**", "b"],
    ])
      expect(allowing.process(argv).allow, argv.join(" ")).toBe(true);
    for (const argv of [["git"], ["git", "show"], ["git", "logs"], ["GIT", "log"], ["a", "x", "b"], ["a", "b"], []])
      expect(allowing.process(argv).allow, argv.join(" ")).toBe(false);
  });

  test("an explicit denial wins over an allow in any layer, and says where it stands", () => {
    expect(denying(["git", "push", "**"]).process(["git", "push", "origin"])).toEqual({
      allow: false,
      rule: 'b: process.deny[0] ["git","push","**"]',
      reason: 'to run ["git","push","origin"] is denied',
    });
    expect(denying(["git", "push", "**"]).process(["git", "pull"]).allow).toBe(true);
    expect(denying(["rm", "*"]).process(["rm", "a", "b"]).allow).toBe(true);
    expect(denying(["rm", "*"]).process(["rm", "a"]).allow).toBe(false);
    expect(denying(["**"]).process(["true"]).allow).toBe(false);
    expect(denying(["*"]).process(["true"]).allow).toBe(false);
  });

  test("A2 a denied command is denied with a folder in front and in every spelling of case and Unicode", () => {
    const authority = denying(["git", "push", "**"]);
    for (const name of ["GIT", "Git", "/usr/bin/git", "./git", "gi\u200bt", "\uff47it".normalize("NFKC")])
      expect(authority.process([name, "push"]).allow, name).toBe(false);
    expect(authority.process(["git", "PUSH"]).allow).toBe(true);
    expect(authority.process(["git-push"]).allow).toBe(true);
  });

  test("A12 what a name really starts counts: a link to a denied command, or a script for a denied interpreter", () => {
    const authority = denying(["node", "**"]);
    expect(authority.process(["nodejs", "x.js"]).allow).toBe(true);
    expect(authority.process(["nodejs", "x.js"], [["node", "x.js"]])).toMatchObject({
      rule: 'b: process.deny[0] ["node","**"]',
    });
  });

  test("what a name really starts never allows anything", () => {
    const authority = effectivePermission([layerOf("a", { process: { allow: [["node", "**"]] } })]);
    expect(authority.process(["nodejs"], [["node"]]).allow).toBe(false);
  });
});

describe("domains", () => {
  const asked = (deny: string[], host: string, domains = ["*"]) =>
    effectivePermission([ANY, layerOf("b", { network: { domains, deny } })]).network(host);

  test("an explicit denial wins over an allow in any layer, and says where it stands", () => {
    expect(asked(["example.org"], "example.org")).toEqual({
      allow: false,
      rule: 'b: network.deny[0] "example.org"',
      reason: "to reach `example.org` is denied",
    });
    expect(asked(["*.example.org"], "a.example.org").allow).toBe(false);
    expect(asked(["*.example.org"], "example.org").allow).toBe(true);
    expect(asked(["*"], "example.org").allow).toBe(false);
    expect(asked(["example.org"], "notexample.org").allow).toBe(true);
  });

  test("A2 a denied domain is denied in every spelling: case, a dot at its end, Punycode", () => {
    for (const host of [
      "EXAMPLE.org",
      "example.org.",
      "example.org..",
      "\uff45xample.org",
      "example\u3002org",
      "example.org\u3002",
    ])
      expect(asked(["example.org"], host).allow, host).toBe(false);
    expect(asked(["xn--bcher-kva.example"], "b\u00fccher.example").allow).toBe(false);
    expect(asked(["*.xn--bcher-kva.example"], "a.B\u00dcCHER.example.").allow).toBe(false);
    expect(canonicalHost("a_b.c")).toBe("a_b.c");
  });

  test("A12 `*` stands for names: an address is reached only where it is listed itself", () => {
    expect(asked([], "93.184.216.34").allow).toBe(false);
    expect(asked([], "2606:2800:220:1::1").allow).toBe(false);
    const listed = effectivePermission([layerOf("a", { network: { domains: ["93.184.216.34"] } })]);
    expect(listed.network("93.184.216.34").allow).toBe(true);
    expect(listed.network("93.184.216.35").allow).toBe(false);
    expect(asked(["*"], "93.184.216.34", ["93.184.216.34"])).toMatchObject({
      rule: expect.stringContaining("network.deny[0]"),
    });
    expect(asked([], "").allow).toBe(false);
  });
});

describe("what a denial says", () => {
  test("is every layer that denies, the explicit ones first, in one order", () => {
    const layers = [
      layerOf("d", { process: { allow: [["git", "**"]], deny: [["git", "push"]] } }),
      layerOf("a"),
      layerOf("c", { process: { allow: [["git", "push"]] } }),
      layerOf("b", { process: { deny: [["git", "**"]] } }),
    ];
    const rule = 'b: process.deny[0] ["git","**"]; d: process.deny[0] ["git","push"]; a: process.allow';
    expect(effectivePermission(layers).process(["git", "push"])).toMatchObject({ allow: false, rule });
    expect(effectivePermission(layers.toReversed()).process(["git", "push"])).toMatchObject({ allow: false, rule });
  });
});

describe("tools, secrets and budgets", () => {
  test("`*` is every tool of an allowed class, without those that are denied", () => {
    const tools = { taxa: ["workspace"], allow: ["*"], deny: ["file.write"] } as const;
    const authority = effectivePermission([ANY, layerOf("b", { tools })]);
    expect(authority.tool({ name: "file.read", taxon: "workspace" })).toMatchObject({ allow: true });
    expect(authority.tool({ name: "file.write", taxon: "workspace" })).toMatchObject({
      rule: 'b: tools.deny[0] "file.write"',
    });
    expect(authority.tool({ name: "process.run", taxon: "process" })).toMatchObject({
      rule: "b: tools.taxa (no process)",
    });
  });

  test("X1 a secret is handed over where every layer names it, or every secret", () => {
    const authority = effectivePermission([ANY, layerOf("b", { secrets: { allow: ["token"] } })]);
    expect(authority.secret("token")).toMatchObject({
      allow: true,
      rule: 'any: secrets.allow[0] "*"; b: secrets.allow[0] "token"',
    });
    expect(authority.secret("key")).toEqual({
      allow: false,
      rule: "b: secrets.allow",
      reason: "to hand over the secret `key` is not allowed",
    });
    expect(effectivePermission([ANY, layerOf("c")]).secret("token").allow).toBe(false);
  });

  test.each(["steps", "tokens", "toolCalls", "stepMs", "runMs", "approvals"])(
    "of `%s` the smallest bound holds",
    (name) => {
      const layers = [layerOf("a"), layerOf("b", { budgets: { [name]: 7 } }), layerOf("c", { budgets: { [name]: 5 } })];
      expect(effectivePermission(layers).budgets).toEqual({ [name]: 5 });
      expect(effectivePermission(layers.toReversed()).budgets).toEqual({ [name]: 5 });
      expect(effectivePermission([layerOf("a")]).budgets).toEqual({});
    },
  );

  test("budgets of one kind do not bound those of another", () => {
    const layers = [layerOf("a", { budgets: { steps: 0 } }), layerOf("b", { budgets: { approvals: 0 } })];
    expect(effectivePermission(layers).budgets).toEqual({ steps: 0, approvals: 0 });
  });
});
