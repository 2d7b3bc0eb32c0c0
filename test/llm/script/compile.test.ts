import { expect, test } from "vitest";
import schema from "../../../schemas/script.v1.json" with { type: "json" };
import { loadDocument } from "../../../src/blueprint/yaml.ts";
import { compile } from "../../../src/llm/script/compile.ts";
import type { ModelScript, ScriptTurn } from "../../../src/llm/script/script.ts";

const list = { id: "list", tool: "file.list" };

test.each<[string, readonly ScriptTurn[], string]>([
  ["an unknown call", [{ text: "${results.tests}" }], "/spec/turns/0/text: no earlier turn calls `tests`"],
  [
    "a call of its own turn",
    [{ calls: [list], text: "${results.list}" }],
    "/spec/turns/0/text: no earlier turn calls `list`",
  ],
  [
    "an unknown call in an argument",
    [{ calls: [{ tool: "t", arguments: { a: [{ b: "${results.x}" }] } }] }],
    "/spec/turns/0/calls/0/arguments/a/0/b: no earlier turn calls `x`",
  ],
  [
    "a branch on an unknown call",
    [{ cases: [{ when: { result: "x", ok: true }, text: "a" }, { text: "b" }] }],
    "/spec/turns/0/cases/0/when/result: no earlier turn calls `x`",
  ],
  [
    "a branch on nothing",
    [{ calls: [list] }, { cases: [{ when: { result: "list", at: "a" }, text: "a" }, { text: "b" }] }],
    "expected `ok`, `contains` or `equals`",
  ],
  [
    "no way out of a branch",
    [{ calls: [list] }, { cases: [{ text: "a" }, { when: { result: "list", ok: true }, text: "b" }] }],
    "in every case but the last",
  ],
  [
    "an id that is used twice",
    [{ calls: [list] }, { calls: [list] }],
    "/spec/turns/1/calls: the id `list` is used twice",
  ],
  [
    "an id that is used twice in one turn",
    [{ calls: [list, list] }],
    "/spec/turns/0/calls: the id `list` is used twice",
  ],
  ["a turn that does nothing", [{ repeat: 2 }], "/spec/turns/0: expected `text`, `calls` or both"],
  ["cases beside text", [{ text: "a", cases: [{ text: "b" }] }], "`cases` beside `text` or `calls`"],
  ["raw beside arguments", [{ calls: [{ tool: "t", raw: "x", arguments: {} }] }], "`raw` beside `arguments`"],
  ["a quotation without an end", [{ text: "${goal" }], "`${` without its `}`"],
  ["an unknown source", [{ text: "${env.HOME}" }], "expected `goal`, `step` or `results.<call>`, found `env.HOME`"],
  ["a field of the goal", [{ text: "${goal.x}" }], "`goal` has no fields"],
  ["an unknown filter", [{ text: "${goal | toString}" }], "`toString` is not a filter"],
  ["a filter without its text", [{ text: "${goal | line}" }], '`line` takes a text: `line "…"`'],
  ["a filter with a text too many", [{ text: '${goal | json "x"}' }], "`json` takes nothing"],
  ["a path that is none", [{ calls: [list] }, { text: "${results.list..a}" }], "is not a path"],
  ["a path that begins with a dot", [{ text: "${.goal}" }], "is not a path"],
  ["a path without an end", [{ text: `\${results${".a".repeat(40)}}` }], "is not a path"],
  [
    "too many steps",
    [
      { repeat: 999_999, text: "a" },
      { repeat: 2, text: "b" },
    ],
    "1000001 steps",
  ],
])("%s is refused when the script is loaded", (_what, turns, message) => {
  expect(() => compile(script(turns))).toThrow(
    expect.objectContaining({ name: "InputError", code: "bad-script", message: expect.stringContaining(message) }),
  );
});

test("all faults are told at once", () => {
  expect(() => compile(script([{ text: "${a}" }, { text: "${b}" }, {}]))).toThrow(
    /turns\/0.*\n.*turns\/1.*\n.*turns\/2/,
  );
});

test("hostile text is refused in time proportional to its length", () => {
  const started = performance.now();
  const texts = [
    `\${goal | line${" ".repeat(60_000)}x}`,
    "${".repeat(30_000),
    `\${goal | line "${'\\"'.repeat(30_000)}}`,
  ];
  for (const text of texts) expect(() => compile(script([{ text }]))).toThrow("cannot be played");
  expect(performance.now() - started).toBeLessThan(1_000);
});

test("one id may stand in several cases, since only one of them is taken", () => {
  const cases = [
    { when: { result: "list", ok: true }, calls: [{ id: "next", tool: "a" }] },
    { calls: [{ id: "next", tool: "b" }] },
  ];
  expect(compile(script([{ calls: [list] }, { cases }, { text: "${results.next}" }]))).toHaveLength(3);
});

test("the schema takes a script with everything in it and refuses what it does not know", () => {
  const turns = [
    {
      repeat: 3,
      text: "a",
      calls: [
        { id: "a-b", tool: "t", arguments: { x: 1 } },
        { tool: "t", raw: "{" },
      ],
    },
    { cases: [{ when: { result: "t", at: "a[0]", ok: true, contains: "x", equals: null }, text: "b" }, { text: "c" }] },
  ];
  const load = (value: unknown) =>
    loadDocument<ModelScript>(Buffer.from(JSON.stringify(value)), { file: "script.yaml", schema }).value;
  expect(compile(load(script(turns)))).toHaveLength(2);
  for (const wrong of [{ goto: 3 }, { repeat: 0, text: "x" }, { calls: [{ tool: "t", id: "a-1" }] }, { text: 7 }]) {
    expect(() => load(script([wrong as ScriptTurn]))).toThrow(expect.objectContaining({ name: "InvalidFileError" }));
  }
  expect(() => load({ ...script(turns), extra: 1 })).toThrow("extra");
});

function script(turns: readonly ScriptTurn[]): ModelScript {
  return {
    apiVersion: "pinion.dev/v1",
    kind: "ModelScript",
    metadata: { name: "demo", version: "1.0.0" },
    spec: { turns },
  };
}
