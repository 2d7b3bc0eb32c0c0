import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Layer } from "../../src/capability/layer.ts";
import { effectivePermission } from "../../src/capability/permission.ts";
import { NOTHING_ELSE } from "../support/nothing-else.ts";
import { runs, seed } from "../support/property.ts";

function layer(name: string, parts: Partial<Layer> = {}): Layer {
  return {
    name,
    filesystem: { read: ["**"], write: ["**"], deny: [] },
    process: { allow: [["node", "--test"]], deny: [], network: "none" },
    network: { domains: ["example.com"], deny: [] },
    tools: { taxa: ["workspace", "process"], allow: ["file.read", "process.run"], deny: [] },
    spawn: { depth: 1, count: 2 },
    ...NOTHING_ELSE,
    ...parts,
  };
}
const files = (read: string[], write: string[] = [], deny: string[] = []) => ({ filesystem: { read, write, deny } });

describe("effective permission", () => {
  test("everything is denied unless every layer allows it", () => {
    const authority = effectivePermission([layer("a", files(["src/**"])), layer("b", files(["src/**", "docs/**"]))]);
    expect(authority.file("read", "src/a.ts").allow).toBe(true);
    expect(authority.file("read", "docs/a.md")).toMatchObject({ allow: false, rule: "a: filesystem.read" });
    expect(authority.file("write", "src/a.ts").allow).toBe(false);
  });

  test("names the layer and the rule that decided", () => {
    const authority = effectivePermission([
      layer("policy review-policy@1.0.0", files(["**"], ["REVIEW.md"], ["secrets/**"])),
      layer("blueprint reviewer@1.0.0", files(["**"], ["REVIEW.md"])),
    ]);
    expect(authority.file("read", "secrets/key")).toEqual({
      allow: false,
      rule: 'policy review-policy@1.0.0: filesystem.deny[0] "secrets/**"',
      reason: "to read `secrets/key` is denied",
    });
    expect(authority.file("write", "REVIEW.md")).toEqual({
      allow: true,
      rule: 'blueprint reviewer@1.0.0: filesystem.write[0] "REVIEW.md"; policy review-policy@1.0.0: filesystem.write[0] "REVIEW.md"',
      reason: "to write `REVIEW.md` is allowed",
    });
    expect(authority.process(["sh", "-c", "x"])).toMatchObject({
      allow: false,
      rule: "blueprint reviewer@1.0.0: process.allow; policy review-policy@1.0.0: process.allow",
      reason: 'to run ["sh","-c","x"] is not allowed',
    });
  });

  test("an explicit denial wins over everything that allows", () => {
    const authority = effectivePermission([
      layer("a", files(["**", "secrets/public"], ["**"], ["secrets"])),
      layer("b"),
    ]);
    for (const path of ["secrets", "secrets/public", "secrets/a/b"])
      expect(authority.file("read", path).allow).toBe(false);
    expect(authority.file("read", "a/secrets").allow).toBe(true);
    const tools = { taxa: ["process"] as const, allow: ["process.run"], deny: ["process.run"] };
    expect(effectivePermission([layer("a", { tools })]).tool({ name: "process.run", taxon: "process" })).toMatchObject({
      allow: false,
      rule: 'a: tools.deny[0] "process.run"',
    });
  });

  test("C8 prefixes: allowing `app/**` says nothing of `app-backup`", () => {
    const authority = effectivePermission([layer("a", files(["app/**"], ["app/**"]))]);
    expect(authority.file("read", "app/x").allow).toBe(true);
    for (const path of ["app-backup", "app-backup/x", "app/../app-backup", "/app", "apple"]) {
      expect(authority.file("read", path).allow, path).toBe(false);
    }
  });

  test("H8 aliases: a denied name is denied in every spelling of case and Unicode; an allowed one only as it is written", () => {
    const authority = effectivePermission([
      layer("a", files(["**"], ["REVIEW.md"], ["secrets/**", "**/caf\u00e9.key"])),
    ]);
    for (const path of [
      "SECRETS/a",
      "Secrets",
      "\u017fecrets/a",
      "se\u200bcrets/a",
      "x/cafe\u0301.KEY",
      "CAF\u00c9.key",
    ]) {
      expect(authority.file("read", path).allow, path).toBe(false);
    }
    expect(authority.file("write", "review.md").allow).toBe(false);
    expect(authority.file("write", "REVIEW.md").allow).toBe(true);
  });

  test("H1 spellings that are not plain paths are denied whatever is allowed", () => {
    const authority = effectivePermission([layer("a")]);
    for (const path of ["", "..", "a/..", "a//b", "a/", "./a", "/a"])
      expect(authority.file("read", path).allow).toBe(false);
  });

  test("a pattern that could not mean what it says is refused with its place", () => {
    for (const pattern of [
      "./secrets",
      "/secrets",
      "secrets/",
      "a//b",
      "../x",
      "**.key",
      "a**",
      "*.{pem,key}",
      "key?",
      "k[0-9]",
      "!a",
      "a\\b",
    ]) {
      expect(() => effectivePermission([layer("policy p@1.0.0", files(["**"], [], ["ok", pattern]))]), pattern).toThrow(
        /policy p@1\.0\.0: filesystem\.deny\[1\]: the pattern/,
      );
    }
  });

  test("a command line is allowed word for word; `*` is exactly one word", () => {
    const authority = effectivePermission([
      layer("a", {
        process: {
          deny: [],
          network: "none",
          allow: [
            ["node", "--test"],
            ["git", "log", "*"],
          ],
        },
      }),
    ]);
    const allowed = (...argv: string[]) => authority.process(argv).allow;
    expect(allowed("node", "--test")).toBe(true);
    expect(allowed("git", "log", "HEAD")).toBe(true);
    expect(allowed("git", "log", "*")).toBe(true);
    expect(allowed("git", "log")).toBe(false);
    expect(allowed("git", "log", "a", "b")).toBe(false);
    expect(allowed("node", "--test", "--eval=x")).toBe(false);
    expect(allowed("node")).toBe(false);
    expect(allowed("Node", "--test")).toBe(false);
    expect(allowed("node", "--tes*")).toBe(false);
    expect(allowed("node --test")).toBe(false);
    expect(allowed()).toBe(false);
  });

  test("a domain is allowed by its exact name, or below `*.`", () => {
    const authority = effectivePermission([
      layer("a", { network: { domains: ["example.com", "*.example.org"], deny: [] } }),
    ]);
    const allowed = (host: string) => authority.network(host).allow;
    expect(allowed("example.com")).toBe(true);
    expect(allowed("a.example.org")).toBe(true);
    expect(allowed("a.b.example.org")).toBe(true);
    for (const host of [
      "example.org",
      "a.example.com",
      "evilexample.com",
      "evilexample.org",
      "example.com.evil.net",
      "",
      ".example.org",
      "127.0.0.1",
    ]) {
      expect(allowed(host), host).toBe(false);
    }
  });

  test("a tool needs its name and its taxon", () => {
    const authority = effectivePermission([
      layer("a"),
      layer("b", { tools: { taxa: ["workspace"], allow: ["file.read", "process.run"], deny: [] } }),
    ]);
    expect(authority.tool({ name: "file.read", taxon: "workspace" }).allow).toBe(true);
    expect(authority.tool({ name: "process.run", taxon: "process" })).toMatchObject({
      allow: false,
      rule: "b: tools.taxa (no process)",
    });
    expect(authority.tool({ name: "file.write", taxon: "workspace" })).toMatchObject({
      allow: false,
      rule: "a: tools.allow; b: tools.allow",
    });
    expect(authority.tool({ name: "File.read", taxon: "workspace" }).allow).toBe(false);
  });

  test("children are bounded by the smallest depth and number", () => {
    const authority = effectivePermission([
      layer("a", { spawn: { depth: 3, count: 1 } }),
      layer("b", { spawn: { depth: 1, count: 9 } }),
    ]);
    expect(authority.spawn({ depth: 1 }).allow).toBe(true);
    expect(authority.spawn({ depth: 2 })).toMatchObject({ allow: false, rule: "b: spawn.depth 1" });
    expect(authority.spawnLimits).toEqual({ depth: 1, count: 1 });
    expect(effectivePermission([layer("a", { spawn: { depth: 1, count: 0 } })]).spawn({ depth: 1 }).allow).toBe(false);
  });

  test("no layers at all is a bug, not a permission for everything", () => {
    expect(() => effectivePermission([])).toThrow(/at least one layer/);
  });

  test("says which parts of the workspace a process may be given, and what must be hidden from it", () => {
    const authority = effectivePermission([
      layer("a", files(["**"], ["out/**", "REVIEW.md"], ["secrets/**", "**/*.key"])),
      layer("b", files(["src/**", "out/**", "docs/*.md"], ["out/deep/**", "REVIEW.md"])),
    ]);
    expect(authority.trees("read")).toEqual([
      { path: "src", deep: true },
      { path: "out", deep: true },
    ]);
    expect(authority.trees("write")).toEqual([
      { path: "out/deep", deep: true },
      { path: "REVIEW.md", deep: false },
    ]);
    expect(authority.hides("Secrets")).toBe("whole");
    expect(authority.hides("secrets/a")).toBe("whole");
    expect(authority.hides("src/x.key")).toBe("whole");
    expect(authority.hides("src")).toBe("part");
    expect(effectivePermission([layer("a", files(["**"], [], ["a/b"]))]).hides("c")).toBe("nothing");
  });

  describe("for random layers", () => {
    const name = fc.constantFrom("a", "b", "*", "**");
    const pattern = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
    const patterns = fc.array(pattern, { maxLength: 3 });
    const random = fc
      .record({
        read: patterns,
        write: patterns,
        deny: patterns,
        name: fc.string(),
        argv: fc.array(fc.array(name, { maxLength: 3 })),
      })
      .map((parts) =>
        layer(parts.name, {
          ...files(parts.read, parts.write, parts.deny),
          process: { allow: parts.argv, deny: [], network: "none" },
        }),
      );
    const path = fc.array(fc.constantFrom("a", "b", "A", "c"), { minLength: 1, maxLength: 3 });

    test("adding a layer never widens, and every layer alone allows what all allow together", () => {
      fc.assert(
        fc.property(fc.array(random, { minLength: 1, maxLength: 3 }), random, path, (layers, added, segments) => {
          const [before, after] = [effectivePermission(layers), effectivePermission([...layers, added])];
          for (const ask of questions(segments)) {
            if (ask(after).allow) expect(ask(before).allow).toBe(true);
            expect(ask(after).allow).toBe([...layers, added].every((one) => ask(effectivePermission([one])).allow));
          }
        }),
        { seed, numRuns: runs(500, 50_000) },
      );
    });

    test("the order of the layers changes neither the answer nor the rule that is named", () => {
      fc.assert(
        fc.property(
          fc.uniqueArray(random, { minLength: 2, maxLength: 4, selector: (one) => one.name }),
          path,
          (layers, segments) => {
            const [forward, backward] = [effectivePermission(layers), effectivePermission(layers.toReversed())];
            for (const ask of questions(segments)) expect(ask(backward)).toEqual(ask(forward));
          },
        ),
        { seed, numRuns: runs(500, 50_000) },
      );
    });

    test("a tree that a process may be given holds only allowed paths", () => {
      fc.assert(
        fc.property(fc.array(random, { minLength: 1, maxLength: 3 }), path, (layers, segments) => {
          const authority = effectivePermission(layers);
          const asked = segments.join("/");
          const given = authority
            .trees("read")
            .some(
              (tree) => tree.path === asked || (tree.deep && (tree.path === "." || asked.startsWith(`${tree.path}/`))),
            );
          if (given && authority.hides(asked) !== "whole") expect(authority.file("read", asked).allow).toBe(true);
        }),
        { seed, numRuns: runs(500, 50_000) },
      );
    });
  });
});

type Authority = ReturnType<typeof effectivePermission>;
function questions(
  segments: readonly string[],
): readonly ((authority: Authority) => { allow: boolean; rule: string })[] {
  return [
    (authority) => authority.file("read", segments.join("/")),
    (authority) => authority.file("write", segments.join("/")),
    (authority) => authority.process(segments),
  ];
}
