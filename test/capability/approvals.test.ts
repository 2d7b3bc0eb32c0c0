import { describe, expect, it } from "vitest";
import { covers, wrongPattern } from "../../src/capability/approval-pattern.ts";
import { approvalBudget, approvalDemands } from "../../src/capability/approvals.ts";
import type { ApprovalRule, Layer } from "../../src/capability/layer.ts";
import { digestOf } from "../../src/model/canonical.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { CallFacts, PreTool } from "../../src/model/payload.ts";
import type { Taxon } from "../../src/model/phase.ts";
import { NOTHING_ELSE } from "../support/nothing-else.ts";

function rule(parts: Partial<ApprovalRule>): ApprovalRule {
  return {
    name: "rule",
    tools: [],
    taxa: [],
    when: {},
    scopes: ["once"],
    expiresMs: 1000,
    approvers: { users: [], keys: [] },
    ...parts,
  };
}

function layer(name: string, approvals: readonly ApprovalRule[], budgets: Layer["budgets"] = {}): Layer {
  return {
    ...NOTHING_ELSE,
    name,
    filesystem: { read: [], write: [], deny: [] },
    process: { allow: [], deny: [], network: "none" },
    network: { domains: [], deny: [] },
    tools: { taxa: [], allow: [], deny: [] },
    spawn: { depth: 0, count: 0 },
    approvals,
    budgets,
  };
}

function call(tool: string, named: JsonObject, taxon: Taxon = "workspace"): CallFacts {
  return { id: "c", tool, taxon, readOnly: false, idempotency: "unsafe", arguments: named, origin: "model" };
}

const write = (path: string): CallFacts => call("file.write", { path, content: "" });
const run = (...argv: readonly string[]): CallFacts => call("process.run", { argv: [...argv] }, "process");
const fetch = (url: string): CallFacts => call("http.fetch", { url }, "network");

function isCovered(parts: Partial<ApprovalRule>, asked: CallFacts): boolean {
  return approvalDemands([layer("policy p", [rule(parts)])], asked).length > 0;
}

describe("a rule", () => {
  it("is about the tools and the taxa that it lists", () => {
    expect(isCovered({ tools: ["file.write"] }, write("a"))).toBe(true);
    expect(isCovered({ taxa: ["process"] }, run("ls"))).toBe(true);
    expect(isCovered({ tools: ["file.write"], taxa: ["process"] }, fetch("https://a.example"))).toBe(false);
    expect(isCovered({}, write("a"))).toBe(false);
  });

  it("A12 covers a command under every name that it comes to", () => {
    const rules = [layer("policy p", [rule({ tools: ["process.run"], when: { argv: [["node", "**"]] } })])];
    expect(approvalDemands(rules, run("nodejs", "x.js"))).toEqual([]);
    expect(approvalDemands(rules, run("nodejs", "x.js"), [["node", "x.js"]])).toHaveLength(1);
  });

  it.each<readonly [string, Partial<ApprovalRule>, CallFacts, boolean]>([
    ["the path itself", { when: { paths: ["docs/**"] } }, write("docs/a/b"), true],
    ["another path", { when: { paths: ["docs/**"] } }, write("src/a"), false],
    ["another spelling of the path", { when: { paths: ["docs/secret"] } }, write("DOCS/Secret"), true],
    ["a directory that may hold it", { when: { paths: ["docs/secret"] } }, call("file.search", { pattern: "x" }), true],
    ["what is below the path", { when: { paths: ["docs"] } }, write("docs/a"), true],
    ["the end of a move", { when: { paths: ["docs/**"] } }, call("file.move", { from: "a", to: "docs/a" }), true],
    ["a command line", { when: { argv: [["git", "push", "**"]] } }, run("git", "push", "--force"), true],
    ["another spelling of the command", { when: { argv: [["git", "push", "**"]] } }, run("GIT", "push"), true],
    ["another command line", { when: { argv: [["git", "push", "**"]] } }, run("git", "log"), false],
    ["a domain", { when: { domains: ["*.example"] } }, fetch("https://a.example/x"), true],
    ["another domain", { when: { domains: ["*.example"] } }, fetch("https://a.example.org/"), false],
    ["what its lists cannot judge", { when: { paths: ["docs/**"] } }, run("rm", "-r", "docs"), true],
  ])("narrowed by `when` and %s", (_, parts, asked, covered) => {
    expect(isCovered({ ...parts, tools: [asked.tool] }, asked)).toBe(covered);
  });

  it("demands beside those of other layers, and says whose it is", () => {
    const [one, other] = [
      layer("policy b", [rule({ tools: ["file.write"], approvers: { users: ["alice"], keys: [] } })]),
      layer("machine", [rule({ taxa: ["workspace"], scopes: ["run"] })]),
    ];
    expect(approvalDemands([one, other], write("a"))).toEqual([
      { by: "machine: approvals.rule", scopes: ["once", "run"], expiresMs: 1000, users: [], keys: [] },
      { by: "policy b: approvals.rule", scopes: ["once"], expiresMs: 1000, users: ["alice"], keys: [] },
    ]);
  });

  it("is asked for as often as every layer allows, 32 times where none says", () => {
    expect(approvalBudget([layer("a", []), layer("b", [])])).toBe(32);
    expect(approvalBudget([layer("a", [], { approvals: 100 }), layer("b", [], { approvals: 3 })])).toBe(3);
  });
});

function asked(of: CallFacts, resolution: JsonObject = {}): PreTool {
  return {
    agent: { name: "a", version: "1.0.0", blueprint: digestOf("b") },
    step: 1,
    usage: { steps: 1, inputTokens: 0, outputTokens: 0, toolCalls: 1, spawned: 0, elapsedMs: 0 },
    call: of,
    resolution,
  };
}
const program = (path: string): JsonObject => ({
  executable: { path, digest: digestOf(path) },
  environment: { PATH: "/bin" },
  named: [],
});
const ls = (...words: readonly string[]): PreTool => asked(run("ls", ...words), program("/usr/bin/ls"));

describe("a pattern", () => {
  it("A7 leaves no word of a command open that runs what its words say", () => {
    const wrappers = [
      "sh",
      "bash",
      "env",
      "xargs",
      "node",
      "python3",
      "python3.13",
      "perl",
      "find",
      "sudo",
      "nice",
      "timeout",
      "git",
      "make",
      "npm",
      "npx",
      "awk",
      "sed",
      "ssh",
      "tar",
      "docker",
      "busybox",
      "cargo",
      "go",
      "gcc",
      "pytest",
    ];
    for (const command of wrappers) {
      const action = asked(run(command, "x"), program(`/usr/bin/${command}`));
      expect(wrongPattern([command, "*"], action), command).toContain("left open");
      expect(wrongPattern([command, "x", "**"], action), command).toContain("left open");
      expect(wrongPattern([command, "x"], action), command).toBeUndefined();
    }
  });

  it("A7 looks at what is executed, not only at what it is called", () => {
    expect(wrongPattern(["list", "*"], asked(run("list", "x"), program("/bin/busybox")))).toContain("busybox");
  });

  it("A4 of a command without an open word covers no other script under the same name, nor one that came to be", () => {
    const named = (...files: readonly JsonObject[]) =>
      asked(run("sh", "s.sh"), { ...program("/usr/bin/dash"), named: [...files] });
    const script = (text: string) => ({ path: "s.sh", digest: digestOf(text) });
    const pattern = ["sh", "s.sh"];
    expect(covers(pattern, named(script("v1")), named(script("v1")))).toBe(true);
    expect(covers(pattern, named(script("v1")), named(script("v2")))).toBe(false);
    expect(covers(pattern, named(), named(script("v2")))).toBe(false);
    const listed = asked(run("ls", "b"), { ...program("/usr/bin/ls"), named: [script("v2")] });
    expect(covers(["ls", "*"], ls("a"), listed)).toBe(true);
  });

  it("leaves neither the command open nor a word in the middle that stands for many", () => {
    expect(wrongPattern(["*", "a"], ls("a"))).toContain("the command itself");
    expect(wrongPattern(["ls", "**", "a"], ls("a"))).toContain("the last word");
    expect(wrongPattern(["ls", "b"], ls("a"))).toContain("does not cover the action itself");
    expect(wrongPattern("ls *", ls("a"))).toContain("expected the words of a command");
  });

  it("covers any word but an option, and only what is executed with the same bytes in the same environment", () => {
    expect(wrongPattern(["ls", "*"], ls("a"))).toBeUndefined();
    expect(covers(["ls", "*"], ls("a"), ls("b"))).toBe(true);
    expect(covers(["ls", "*"], ls("a"), ls("-R"))).toBe(false);
    expect(covers(["ls", "*"], ls("a"), ls("b", "c"))).toBe(false);
    expect(covers(["ls", "**"], ls("a"), ls("b", "c"))).toBe(true);
    expect(covers(["ls", "*"], ls("a"), asked(run("ls", "b"), program("/tmp/ls")))).toBe(false);
    const elsewhere = { ...program("/usr/bin/ls"), environment: { PATH: "/tmp" } };
    expect(covers(["ls", "*"], ls("a"), asked(run("ls", "b"), elsewhere))).toBe(false);
    const inside = call("process.run", { argv: ["ls", "b"], cwd: "sub" }, "process");
    expect(covers(["ls", "*"], ls("a"), asked(inside, program("/usr/bin/ls")))).toBe(false);
  });

  it("of paths covers the same tool on what it matches, both ends of a move, and nothing that could not be resolved", () => {
    const to = (path: string) => asked(write(path), { path });
    expect(covers("docs/**", to("docs/a"), to("docs/b/c"))).toBe(true);
    expect(covers("docs/*", to("docs/a"), to("docs/b/c"))).toBe(false);
    expect(covers("docs/**", to("docs/a"), to("docs-backup/a"))).toBe(false);
    expect(covers("docs/**", to("docs/a"), asked(call("file.remove", { path: "docs/a" })))).toBe(false);
    expect(covers("docs/**", to("docs/a"), asked(write("docs/a"), { problem: { code: "link" } }))).toBe(false);
    const move = (from: string, end: string) => asked(call("file.move", { from, to: end }));
    expect(covers("docs/**", move("docs/a", "docs/b"), move("docs/a", "src/b"))).toBe(false);
    expect(wrongPattern("../**", to("docs/a"))).toContain("expected a path");
    expect(wrongPattern("src/**", to("docs/a"))).toContain("does not cover the action itself");
  });

  it("of domains covers the host with everything else as it was", () => {
    const get = (url: string, method = "GET") =>
      asked(call("http.fetch", { url, method }, "network"), { addresses: ["1.1.1.1"] });
    expect(wrongPattern("*.example.org", get("https://a.example.org/x"))).toBeUndefined();
    expect(covers("*.example.org", get("https://a.example.org/x"), get("https://b.example.org/y"))).toBe(true);
    expect(covers("*.example.org", get("https://a.example.org/x"), get("https://b.example.org/y", "DELETE"))).toBe(
      false,
    );
    expect(covers("*.example.org", get("https://a.example.org/x"), get("http://b.example.org/y"))).toBe(false);
    expect(covers("*.example.org", get("https://a.example.org/x"), get("https://example.org.evil.net/"))).toBe(false);
    expect(wrongPattern("*", get("https://a.example.org/x"))).toContain("expected a domain");
  });

  it("is none of a tool that has no patterns, and not of what a hook asks for", () => {
    expect(wrongPattern("helper", asked(call("agent.spawn", { agent: "helper" }, "agent")))).toContain("no patterns");
    const ofHook = asked({ ...run("ls", "b"), origin: "hook:h" }, program("/usr/bin/ls"));
    expect(covers(["ls", "*"], ls("a"), ofHook)).toBe(false);
  });
});
