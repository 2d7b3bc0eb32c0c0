import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { type PolicyBundle, policyLayer } from "../../src/capability/layer.ts";
import { effectivePermission } from "../../src/capability/permission.ts";

const ajv = new Ajv2020({ allErrors: true, useDefaults: true, keywords: ["expects"] });
const validate = ajv.compile<PolicyBundle>(JSON.parse(readFileSync("schemas/policy.v1.json", "utf8")));
const bundle = (spec: object) => ({
  apiVersion: "pinion.dev/v1",
  kind: "PolicyBundle",
  metadata: { name: "review-policy", version: "1.0.0" },
  spec,
});

describe("policy bundles", () => {
  test("what is left out is denied", () => {
    const empty: unknown = bundle({});
    if (!validate(empty)) throw new Error(JSON.stringify(validate.errors));
    const authority = effectivePermission([policyLayer(empty)]);
    expect(authority.file("read", "a").allow).toBe(false);
    expect(authority.process(["a"]).allow).toBe(false);
    expect(authority.spawn({ depth: 1 }).rule).toBe("policy review-policy@1.0.0: spawn.count 0");
  });

  test.each([
    { unknown: 1 },
    { filesystem: { exec: ["**"] } },
    { process: { allow: ["node --test"] } },
    { process: { allow: [[]] } },
    { network: { domains: ["Example.com"], deny: [] } },
    { network: { domains: ["*."], deny: [] } },
    { network: { domains: ["a.*.com"], deny: [] } },
    { network: { domains: ["https://example.com"], deny: [] } },
    { tools: { taxa: ["everything"] } },
    { spawn: { depth: -1 } },
  ])("refuses %j", (spec) => {
    expect(validate(bundle(spec))).toBe(false);
  });

  test("accepts the path patterns that the permission accepts, and no others", () => {
    const good = [".", "**", "*", "a", "a/b", "a/**", "**/a", "a/**/b", "*.ts", "a*b", ".git/**", "...", "a b", "文件"];
    const bad = [
      "",
      "/",
      "/a",
      "a/",
      "a//b",
      "./a",
      "a/.",
      "a/./b",
      "..",
      "a/..",
      "a**",
      "**b",
      "a**b/c",
      "!a",
      "a\\b",
      "a?",
      "[a]",
      "{a}",
      "a\nb",
    ];
    for (const pattern of good) {
      const policy: unknown = bundle({ filesystem: { deny: [pattern] } });
      if (!validate(policy)) throw new Error(`${pattern}: ${JSON.stringify(validate.errors)}`);
      effectivePermission([policyLayer(policy)]);
    }
    for (const pattern of bad) expect(validate(bundle({ filesystem: { deny: [pattern] } })), pattern).toBe(false);
  });
});
