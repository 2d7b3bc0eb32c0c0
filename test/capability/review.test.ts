import { describe, expect, test } from "vitest";
import { reviewPolicy } from "../../src/capability/review/review.ts";
import { knownTools } from "../../src/runtime/tools.ts";
import { layerOf } from "../support/layers.ts";

type Parts = Parameters<typeof layerOf>[1];
const remarks = (parts: Parts): readonly string[] =>
  reviewPolicy(layerOf("a", parts), knownTools()).map(({ pointer, message }) => `${pointer}: ${message}`);

const RUN = { taxa: ["process"], allow: ["process.run"] } as const;
const said = (allow: string[][], deny: string[][] = []) => remarks({ tools: RUN, process: { allow, deny } });

describe("A7 a policy that allows more than it says", () => {
  test.each([
    ["sh", "-c", "*"],
    ["bash", "**"],
    ["env", "*", "*"],
    ["xargs", "**"],
    ["node", "-e", "*"],
    ["node", "*"],
    ["python3.12", "**"],
    ["find", ".", "**"],
    ["git", "**"],
    ["sudo", "*"],
    ["timeout", "5", "**"],
  ])("is told of %s %s %s", (...pattern) => {
    const words = pattern.filter((word) => word !== undefined);
    expect(said([words])).toEqual([expect.stringMatching(/^\/spec\/process\/allow\/0: allows more than it says: `/)]);
  });

  test.each([[["**"]], [["*", "--help"]]])("is told of a pattern for any command", (pattern) => {
    expect(said([pattern])).toEqual([expect.stringContaining("allows more than it says: any command may be started")]);
  });

  test("is not told of command lines that are closed, and of commands that start nothing", () => {
    expect(
      said([
        ["sh", "-c", "make test"],
        ["node", "--test"],
        ["cat", "**"],
        ["ls", "*"],
      ]),
    ).toEqual([]);
  });
});

describe("A12 denials that can be passed", () => {
  test("through options in front, and through commands that start others", () => {
    expect(said([["git", "**"]], [["git", "push", "**"]])).toContain(
      '/spec/process/deny/0: can be passed by: ["git","**"] allows the same with other words in front',
    );
    expect(said([["env", "**"]], [["rm", "**"]])).toContain(
      '/spec/process/deny/0: can be passed by: ["env","**"] is allowed, and may start it',
    );
    expect(said([["cat", "**"]], [["rm", "**"]])).toEqual([]);
    expect(said([["git", "**"]], [["git", "**"]])).not.toContainEqual(expect.stringContaining("can be passed"));
  });

  const host = {
    tools: { taxa: ["process", "network", "workspace"], allow: ["*"] },
    process: { allow: [["cat", "*"]], network: "host" },
  } as const;

  test("through processes, which have files and network too", () => {
    const deny = ["file.write", "file.read", "http.fetch"];
    const parts = { ...host, tools: { ...host.tools, deny }, filesystem: { read: ["**"], write: ["out/**"] } };
    expect(remarks(parts)).toEqual(
      [
        "/spec/tools/deny/0: can be passed by: processes change the same files",
        "/spec/tools/deny/1: can be passed by: processes read the same files",
        "/spec/tools/deny/2: can be passed by: processes reach the network",
        "/spec/process/network: processes reach whatever the machine reaches: the rules for domains do not bind them",
      ].toSorted((a, b) => order(a) - order(b)),
    );
  });

  test("through processes that need no approval, where the tool needs one", () => {
    const rule = {
      name: "writes",
      tools: ["file.write"],
      taxa: [],
      when: {},
      scopes: ["once"],
      expiresMs: 1000,
      approvers: { users: [], keys: [] },
    } as const;
    const parts = { ...host, process: { allow: [["tee", "*"]] }, filesystem: { write: ["out/**"] } };
    const [remark] = remarks({ ...parts, approvals: [rule] });
    expect(remark).toBe(
      "/spec/approvals/0/tools/0: can be passed by: processes change the same files without an approval",
    );
    expect(remarks({ ...parts, approvals: [rule, { ...rule, tools: ["process.run"] }] })).toEqual([]);
    const some = { ...rule, tools: ["process.run"], when: { argv: [["tee", "x"]] } };
    expect(remarks({ ...parts, approvals: [rule, some] })).toEqual([remark]);
    expect(remarks({ ...parts, approvals: [{ ...rule, tools: [] }] })[0]).toContain("never matches");
    expect(remarks({ ...parts, approvals: [{ ...rule, taxa: ["process"] }], budgets: { approvals: 0 } })).toEqual([
      "/spec/budgets/approvals: nobody may be asked: what needs an approval is denied",
    ]);
  });
});

describe("command lines that need an approval can be passed by", () => {
  const PUSH = ["git", "push", "**"];
  const asking = (argv: readonly (readonly string[])[], allow: readonly (readonly string[])[]) =>
    remarks({
      tools: { taxa: ["process"], allow: ["*"] },
      process: { allow },
      approvals: [
        {
          name: "pushes",
          tools: ["process.run"],
          taxa: [],
          when: { argv },
          scopes: ["once"],
          expiresMs: 1000,
          approvers: { users: [], keys: [] },
        },
      ],
    }).filter((remark) => remark.startsWith("/spec/approvals"));

  test.each<[string, readonly (readonly string[])[], readonly (readonly string[])[], readonly string[]]>([
    ["with other words in front", [PUSH], [["git", "**"]], ["allows the same with other words in front"]],
    ["through another command", [PUSH], [["sh", "-c", "*"]], ["is allowed, and may start it"]],
    ["not where each word is listed", [PUSH], [PUSH, ["git", "status"]], []],
    ["not where the other needs one as well", [PUSH, ["git", "**"]], [["git", "**"]], []],
  ])("%s", (_, argv, allow, said) => {
    const found = asking(argv, allow);
    expect(found).toHaveLength(said.length);
    for (const [index, text] of said.entries()) expect(found[index]).toContain(text);
  });
});

/** Network before tools, as in the file. */
const order = (remark: string): number => (remark.startsWith("/spec/process") ? 0 : 1);

describe("rules that never match", () => {
  test.each<[string, Parts, string]>([
    [
      "a path below a denied one",
      { filesystem: { read: ["keys/a"], deny: ["KEYS"] } },
      '/spec/filesystem/read/0: never allows anything: "KEYS" is denied',
    ],
    [
      "a pattern below a denied path",
      { filesystem: { write: ["keys/**"], deny: ["k*"] } },
      '/spec/filesystem/write/0: never allows anything: "k*" is denied',
    ],
    [
      "a command with a folder",
      { tools: RUN, process: { allow: [["/bin/ls"]] } },
      "/spec/process/allow/0: never matches: a command is a plain name, found `/bin/ls`",
    ],
    [
      "a denied command",
      { tools: RUN, process: { allow: [["ls", "*"]], deny: [["ls", "**"]] } },
      "/spec/process/allow/0: never allows anything: it is denied",
    ],
    [
      "a part of a word",
      { tools: RUN, process: { allow: [["ls", "--a=*"]] } },
      "/spec/process/allow/0/1: `--a=*` is taken literally",
    ],
    [
      "`**` in the middle",
      { tools: RUN, process: { allow: [["ls", "**", "a"]] } },
      "/spec/process/allow/0/1: `**` is taken literally",
    ],
    [
      "a denied domain",
      { network: { domains: ["a.b.org"], deny: ["*.b.org"] } },
      "/spec/network/domains/0: never allows anything: `*.b.org` is denied",
    ],
    [
      "domains below a denied one",
      { network: { domains: ["*.a.b.org"], deny: ["*.b.org"] } },
      "/spec/network/domains/0: never allows anything",
    ],
    [
      "a tool of a class that is not allowed",
      { tools: { taxa: ["process"], allow: ["file.read"] } },
      "/spec/tools/allow/0: never allows anything: `tools.taxa` lacks `workspace`",
    ],
    [
      "a denied tool",
      { tools: { taxa: ["workspace"], allow: ["file.read"], deny: ["file.read"] } },
      "/spec/tools/allow/0: never allows anything: it is denied",
    ],
    [
      "a tool that there is not",
      { tools: { allow: ["file.raed"] } },
      "/spec/tools/allow/0: there is no tool `file.raed`",
    ],
    [
      "a denial of no tool",
      { tools: { deny: ["file.wriet"] } },
      "/spec/tools/deny/0: there is no tool `file.wriet`: this denies nothing",
    ],
    [
      "commands without the tool",
      { process: { allow: [["ls"]] } },
      "/spec/process/allow: has no effect: the tool `process.run` is not allowed",
    ],
    [
      "domains without the tool",
      { network: { domains: ["a.org"] } },
      "/spec/network/domains: has no effect: the tool `http.fetch` is not allowed",
    ],
    [
      "children without the tool",
      { spawn: { depth: 1, count: 1 } },
      "/spec/spawn: has no effect: the tool `agent.spawn` is not allowed",
    ],
    ["children of no number", { spawn: { depth: 1 } }, "/spec/spawn: allows no children"],
    [
      "wildcards for processes",
      { tools: RUN, process: { allow: [["ls"]] }, filesystem: { read: ["src/*.ts"] } },
      "/spec/filesystem/read/0: gives nothing to processes",
    ],
  ])("%s", (_, parts, remark) => {
    expect(remarks(parts)).toContainEqual(expect.stringContaining(remark));
  });

  test("a policy that means what it says is left alone", () => {
    expect(
      remarks({
        filesystem: { read: ["**"], write: ["out/**"], deny: ["keys"] },
        process: { allow: [["cat", "*"]], deny: [["rm", "**"]] },
        network: { domains: ["*.example.org", "example.org"], deny: ["a.example.org"] },
        tools: { taxa: ["workspace", "process", "network", "agent"], allow: ["*"] },
        spawn: { depth: 1, count: 1 },
      }),
    ).toEqual([]);
  });
});
