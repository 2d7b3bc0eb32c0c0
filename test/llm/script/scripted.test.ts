import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ModelScript, ScriptTurn } from "../../../src/llm/script/script.ts";
import { createScriptedModel } from "../../../src/llm/script/scripted.ts";
import { canonicalJson } from "../../../src/model/canonical.ts";
import type { Json } from "../../../src/model/json.ts";
import type { Message, ModelAnswer } from "../../../src/model/message.ts";
import { runs, seed } from "../../support/property.ts";
import { never, READ, requestOf } from "../providers.ts";

const LIST: ScriptTurn = { calls: [{ id: "list", tool: "file.list", arguments: { path: "." } }] };

describe("a scripted model", () => {
  test("takes the turn of the step, whatever is left of the conversation", async () => {
    const turns = [{ text: "one", calls: LIST.calls ?? [] }, { text: "two" }];
    expect(await play(turns, 1)).toEqual({
      text: "one",
      toolCalls: [{ id: "list", tool: "file.list", arguments: { path: "." } }],
      tokens: { input: expect.any(Number), output: expect.any(Number) },
      finish: "tool-calls",
    });
    expect(await play(turns, 2, [])).toMatchObject({ text: "two", toolCalls: [], finish: "stop" });
  });

  test("answers with a last word after its last turn", async () => {
    expect(await play([{ text: "one" }], 2)).toMatchObject({
      text: "The script has no further turns.",
      finish: "stop",
    });
  });

  test("counts tokens by size, the same each time", async () => {
    const [once, again] = [await play([{ text: "one" }], 1), await play([{ text: "one" }], 1)];
    expect(once).toEqual(again);
    expect(once.tokens.input).toBeGreaterThan(10);
    const longer = await play([{ text: "one" }], 1, [result("list", { a: "x".repeat(4000) })]);
    expect(longer.tokens.input - once.tokens.input).toBeGreaterThan(1000);
    expect(longer.tokens.output).toBe(once.tokens.output);
  });

  test("repeats a turn and numbers its calls", async () => {
    const turns: ScriptTurn[] = [
      { text: "start" },
      { repeat: 1000, calls: [{ id: "read", tool: "file.read", arguments: { path: "${step}.txt" } }, { tool: "x" }] },
      { text: "last was ${results.read.content}" },
    ];
    expect((await play(turns, 2)).toolCalls).toEqual([
      { id: "read-1", tool: "file.read", arguments: { path: "2.txt" } },
      { id: "call-2-2", tool: "x", arguments: {} },
    ]);
    expect((await play(turns, 1001)).toolCalls[0]?.id).toBe("read-1000");
    const messages = [result("read-999", { content: "no" }), result("read-1000", { content: "yes" })];
    expect((await play(turns, 1002, messages)).text).toBe("last was yes");
  });

  test("stops when it was cancelled", async () => {
    const port = createScriptedModel(script([{ text: "one" }]));
    await expect(port.complete(requestOf(), AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
  });

  test("writes arguments that are not JSON when it is told to", async () => {
    const turns = [{ calls: [{ id: "bad", tool: "file.read", raw: "{${not json" }] }];
    expect((await play(turns, 1)).toolCalls).toEqual([{ id: "bad", tool: "file.read", raw: "{${not json" }]);
  });
});

describe("a quotation", () => {
  const stdout = "ok 1 - adds\nnot ok 2 - rounds half up\n  not ok 3 - splits \n";
  const messages = [
    result("list", { entries: [{ path: "a.txt", size: 3 }, { path: "b.txt" }], "odd key": true }),
    result("tests", { stdout, code: 1 }, "process.run"),
    refusal("push", "blocked: hook `tool-gate`: git may not push", "process.run"),
    refusal("json", '{"code":"looks like a value"}', "process.run"),
  ];

  test.each([
    ["${goal}", "hello"],
    ["step ${step}", "step 2"],
    ["${results.list.entries[1].path}", "b.txt"],
    ['${results["list"]["odd key"]}', "true"],
    ['${results["file.list"].entries[0].size}', "3"],
    ["${results.list.entries[0]}", '{"path":"a.txt","size":3}'],
    ["${results.list.entries | count} files", "2 files"],
    ["${results.list.entries[0].size | json}", "3"],
    ["${results.push}", "blocked: hook `tool-gate`: git may not push"],
    ['${results.tests.stdout | line "not ok"}', "not ok 2 - rounds half up"],
    ['${results.tests.stdout | line "not ok" | after "- "}', "rounds half up"],
    ['${results.tests.stdout | lines "not ok"}', "not ok 2 - rounds half up\nnot ok 3 - splits"],
    ['${results.tests.stdout | before " - adds"}', "ok 1"],
    ['${results.tests.stderr | default "no errors"}', "no errors"],
    ['${results.tests.stdout | line "absent" | default "a \\"}\\" | b"}', 'a "}" | b'],
    ["$${goal} costs $5 {}", "${goal} costs $5 {}"],
  ])("%s gives %j", async (text, expected) => {
    expect((await play(quoting({ text }), 2, messages)).text).toBe(expected);
  });

  test("of a whole string becomes the value itself", async () => {
    const nested = { size: "${results.list.entries[0].size}", all: ["${results.list.entries}", "x${step}"] };
    const [call] = (await play(quoting({ calls: [{ tool: "t", arguments: nested }] }), 2, messages)).toolCalls;
    expect(call?.arguments).toEqual({ size: 3, all: [[{ path: "a.txt", size: 3 }, { path: "b.txt" }], "x2"] });
  });

  test.each([
    ["${results.list.entries[7].path}", "no `7` in `entries`"],
    ["${results.list.entries.length}", "no `length` in `entries`"],
    ["${results.list.constructor}", "no `constructor` in the result"],
    ["${results.list.__proto__}", "no `__proto__` in the result"],
    ["${results.push.code}", "no `code` in the result"],
    ["${results.json.code}", "no `code` in the result"],
    ['${results.tests.stdout | line "absent"}', "nothing with `absent`"],
    ["${results.gone}", "no result of `gone` in the conversation"],
  ])("%s of something that is not there is an error", async (text, why) => {
    await expect(play(quoting({ text }), 2, messages)).rejects.toMatchObject({
      name: "WorldError",
      code: "script-error",
      message: `script \`demo\`, step 2, turn 2: ${why}`,
    });
  });

  test("of a result that was cut is text", async () => {
    const cut: Message = { role: "tool", call: "list", tool: "file.list", ok: true, text: '{"entries":[\n[cut]' };
    expect((await play(quoting({ text: "${results.list}" }), 2, [cut])).text).toBe('{"entries":[\n[cut]');
    await expect(play(quoting({ text: "${results.list.entries}" }), 2, [cut])).rejects.toMatchObject({
      code: "script-error",
    });
  });

  test("never makes a text without bound", async () => {
    const long = [result("list", { text: "x".repeat(200_000) })];
    await expect(play(quoting({ text: "${results.list.text}".repeat(2) }), 2, long)).rejects.toThrow(
      "262144 characters",
    );
  });
});

describe("a branch", () => {
  const turns: ScriptTurn[] = [
    LIST,
    {
      cases: [
        { when: { result: "list", ok: false }, text: "refused" },
        { when: { result: "list", at: "entries[0].path", equals: "a.txt" }, text: "a first" },
        { when: { result: "list", at: "entries", contains: "z.txt" }, text: "z somewhere" },
        { when: { result: "file.list", ok: true, contains: "empty" }, text: "empty" },
        { text: "otherwise" },
      ],
    },
  ];

  test.each([
    [[refusal("list", "denied")], "refused"],
    [[result("list", { entries: [{ path: "a.txt" }] })], "a first"],
    [[result("list", { entries: [{ path: "y.txt" }, { path: "z.txt" }] })], "z somewhere"],
    [[result("list", { note: "empty" })], "empty"],
    [[refusal("list", "empty")], "refused"],
    [[result("list", {})], "otherwise"],
    [[], "otherwise"],
  ] as const)("of %j is `%s`", async (messages, expected) => {
    expect((await play(turns, 2, messages)).text).toBe(expected);
  });

  test("compares values by their canonical form", async () => {
    const equals = { b: [1, 2], a: null };
    const both: ScriptTurn[] = [
      LIST,
      { cases: [{ when: { result: "list", equals }, text: "same" }, { text: "other" }] },
    ];
    expect((await play(both, 2, [result("list", { a: null, b: [1, 2] })])).text).toBe("same");
    expect((await play(both, 2, [result("list", { a: null, b: [2, 1] })])).text).toBe("other");
  });
});

test("the same request always has the same answer, and no conversation makes it throw anything but its own error", async () => {
  const turns = quoting({
    text: '${results.list.a.b | default "-"} ${results["file.list"] | json} ${results.list | line "x" | default ""}',
    calls: [{ tool: "t", arguments: { a: "${results.list}" } }],
  });
  const message = fc.oneof(
    fc.jsonValue().map((value) => result("list", value as Json)),
    fc
      .string({ unit: "binary" })
      .map((text): Message => ({ role: "tool", call: "list", tool: "file.list", ok: true, text })),
  );
  const property = fc.asyncProperty(fc.array(message, { maxLength: 3 }), async (messages) => {
    const attempt = () =>
      play(turns, 2, messages).catch((error: { code?: string }) => {
        expect(error.code).toMatch(/^(script-error|lone-surrogate)$/);
        return error.code;
      });
    expect(await attempt()).toEqual(await attempt());
  });
  await fc.assert(property, { seed, numRuns: runs(200, 20_000) });
});

function quoting(turn: ScriptTurn): ScriptTurn[] {
  const calls = ["list", "tests", "push", "json", "gone"].map((id) => ({
    id,
    tool: id === "list" ? "file.list" : "process.run",
  }));
  return [{ calls }, turn];
}

function script(turns: readonly ScriptTurn[]): ModelScript {
  return {
    apiVersion: "pinion.dev/v1",
    kind: "ModelScript",
    metadata: { name: "demo", version: "1.0.0" },
    spec: { turns },
  };
}

function play(turns: readonly ScriptTurn[], step: number, results: readonly Message[] = []): Promise<ModelAnswer> {
  const messages: Message[] = [{ role: "user", text: "hello" }, ...results];
  return createScriptedModel(script(turns)).complete(requestOf({ step, messages, tools: [READ] }), never());
}

function result(call: string, value: Json, tool = "file.list"): Message {
  return { role: "tool", call, tool, ok: true, text: canonicalJson(value) };
}

function refusal(call: string, text: string, tool = "file.list"): Message {
  return { role: "tool", call, tool, ok: false, text };
}
