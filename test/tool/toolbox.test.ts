import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { effectivePermission } from "../../src/capability/permission.ts";
import { digestOf } from "../../src/model/canonical.ts";
import type { Json } from "../../src/model/json.ts";
import { skillRead } from "../../src/tool/skill-read.ts";
import { toolBoxOf } from "../../src/tool/toolbox.ts";
import { bench, layer, STANDARD } from "./kit.ts";

const signal = new AbortController().signal;

describe("a tool box", () => {
  test("offers the tools that the effective permission allows, and judges a call of the others", () => {
    const { box } = bench({
      layers: [layer({ tools: { taxa: ["workspace"], allow: ["file.read", "process.run"], deny: [] } })],
    });
    expect(box.tools.map(({ name }) => name)).toEqual(["file.read"]);
    expect(box.get("process.run")?.taxon).toBe("process");
    expect(box.get("nothing")).toBeUndefined();
    expect(box.permit({ tool: "process.run", arguments: { argv: ["ls"] } }, {})).toMatchObject({
      allow: false,
      rule: "policy test@1.0.0: tools.taxa (no process)",
    });
    expect(box.permit({ tool: "file.write", arguments: { path: "a", content: "" } }, {})).toMatchObject({
      allow: false,
      rule: "policy test@1.0.0: tools.taxa (no workspace)".replace("taxa (no workspace)", "allow"),
    });
  });

  test("says every fault of the arguments, one a line", () => {
    const { box } = bench();
    expect(
      box.invalidArguments({ tool: "file.read", arguments: { path: 1, offset: -1, nonsense: true } })?.split("\n"),
    ).toEqual([
      "the arguments: the field `nonsense` is not known",
      "`/path`: must be string",
      "`/offset`: must be >= 0",
    ]);
    expect(box.invalidArguments({ tool: "file.read", arguments: { path: "a" } })).toBeUndefined();
    expect(box.invalidArguments({ tool: "file.read", arguments: [] })).toMatch(/must be object/);
    expect(box.invalidArguments({ tool: "file.rm", arguments: {} })).toMatch(/there is no tool/);
  });

  test("A3 arguments of 10 MB, deep JSON, many values, half surrogates and names of object internals are refused", () => {
    const { box } = bench();
    const check = (value: Json) => box.invalidArguments({ tool: "file.write", arguments: value });
    expect(check({ path: "a", content: "x".repeat(10_000_000) })).toMatch(/larger than/);
    let deep: Json = "x";
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(check({ path: "a", content: deep })).toMatch(/nested/);
    expect(check({ path: "a", content: Array.from({ length: 200_000 }, () => 1) })).toMatch(/more than 100000 values/);
    expect(check({ path: "a", content: "\ud800" })).toMatch(/surrogate/);
    for (const key of ["__proto__", "constructor", "prototype"]) {
      expect(check(JSON.parse(`{"path":"a","content":"x","${key}":{"polluted":true}}`))).toBe(
        `the field \`${key}\` is not known`,
      );
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test("A3 a fault in hostile arguments is told in few words", () => {
    const { box } = bench();
    const many = Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [`field-${index}-${"y".repeat(500)}`, 1]),
    );
    const told = box.invalidArguments({ tool: "file.read", arguments: { path: "a", ...many } }) ?? "";
    expect(told).toMatch(/and 990 more$/);
    expect(told.length).toBeLessThan(3_000);
  });

  test("a registry may narrow the arguments, and both its schema and the tool's own must fit", () => {
    const { tools } = bench();
    const [read] = STANDARD.spec.tools.filter(({ name }) => name === "file.read");
    if (read === undefined) throw new Error("no file.read");
    const inputSchema = {
      type: "object",
      additionalProperties: false,
      required: ["path"],
      properties: { path: { enum: ["a.txt"] }, extra: { type: "string" } },
    };
    const box = toolBoxOf(
      { ...STANDARD, spec: { tools: [{ ...read, inputSchema }] } },
      tools,
      effectivePermission([layer()]),
    );
    expect(box.invalidArguments({ tool: "file.read", arguments: { path: "b.txt" } })).toMatch(
      /must be one of \["a.txt"\]/,
    );
    expect(box.invalidArguments({ tool: "file.read", arguments: { path: "a.txt" } })).toBeUndefined();
    expect(box.invalidArguments({ tool: "file.read", arguments: { path: "a.txt", extra: "x" } })).toMatch(
      /`extra` is not known/,
    );
  });

  test("a result that does not fit the registry's schema is an error, not a result", async () => {
    const { tools, at } = bench();
    const [read] = STANDARD.spec.tools.filter(({ name }) => name === "file.read");
    if (read === undefined) throw new Error("no file.read");
    writeFileSync(at("a"), "x");
    const outputSchema = { type: "object", additionalProperties: false, required: [], properties: {} };
    const box = toolBoxOf(
      { ...STANDARD, spec: { tools: [{ ...read, outputSchema }] } },
      tools,
      effectivePermission([layer()]),
    );
    const request = { tool: "file.read", arguments: { path: "a" } };
    const resolution = await box.resolve(request, signal);
    await expect(box.perform(request, resolution, signal)).rejects.toMatchObject({ code: "bad-output" });
  });

  test("arguments that were never checked are refused at every door", async () => {
    const { box } = bench();
    const request = { tool: "file.read", arguments: { path: 42 } };
    expect(box.permit(request, {})).toMatchObject({ allow: false, rule: "pinion: arguments fit the tool" });
    const resolution = await box.resolve(request, signal);
    expect(resolution).toMatchObject({ problem: { code: "bad-arguments" } });
    await expect(box.perform(request, resolution, signal)).rejects.toMatchObject({ code: "bad-arguments" });
  });

  test("A4 what was resolved for one call does not serve another", async () => {
    const { box, at } = bench();
    writeFileSync(at("a"), "x");
    writeFileSync(at("b"), "x");
    const resolution = await box.resolve({ tool: "file.read", arguments: { path: "a" } }, signal);
    await expect(
      box.perform({ tool: "file.read", arguments: { path: "b" } }, resolution, signal),
    ).rejects.toMatchObject({
      code: "resolution-changed",
    });
    await expect(box.perform({ tool: "file.read", arguments: { path: "a" } }, {}, signal)).rejects.toMatchObject({
      code: "resolution-changed",
    });
  });
});

describe("skill.read", () => {
  test("reads a pinned skill and names it by its digest before", async () => {
    const { box, call } = bench();
    expect(await box.resolve({ tool: "skill.read", arguments: { name: "review" } }, signal)).toMatchObject({
      skill: { name: "review", version: "1.0.0", digest: expect.stringMatching(/^sha256:/) },
    });
    expect(await call("skill.read", { name: "review" })).toEqual({
      name: "review",
      version: "1.0.0",
      content: "# How to review\n",
    });
  });

  test("B15 a skill whose bytes are not what was pinned is not read", async () => {
    const skill = {
      name: "review",
      version: "1.0.0",
      digest: digestOf("pinned"),
      read: () => Promise.resolve(Buffer.from("edited")),
    };
    const prepared = await skillRead([skill]).prepare({ name: "review" }, { signal });
    await expect(prepared.act()).rejects.toMatchObject({ name: "IntegrityError", code: "digest-mismatch" });
  });

  test("a skill that was not pinned does not exist", async () => {
    await expect(bench().call("skill.read", { name: "../review" })).rejects.toThrow(
      /there is no skill.*there are: `review`/,
    );
  });
});

describe("agent.spawn", () => {
  test("starts a pinned child with the goal, and gives its answer", async () => {
    const seen: unknown[] = [];
    const { box, call } = bench({
      spawner: {
        spawn(request) {
          seen.push(request);
          return Promise.resolve({ run: "r2", state: "completed", answer: "done" });
        },
      },
    });
    expect(
      await box.resolve({ tool: "agent.spawn", arguments: { agent: "reader", goal: "read" } }, signal),
    ).toMatchObject({
      child: { name: "reader", version: "1.0.0", blueprint: expect.stringMatching(/^sha256:/) },
      depth: 1,
    });
    expect(await call("agent.spawn", { agent: "reader", goal: "read" })).toEqual({
      run: "r2",
      state: "completed",
      answer: "done",
    });
    expect(seen).toMatchObject([{ goal: "read", child: { name: "reader" } }]);
  });

  test("is bounded by the depth of every layer, and knows only pinned children", async () => {
    await expect(
      bench({ layers: [layer({ spawn: { depth: 0, count: 5 } })] }).call("agent.spawn", { agent: "reader", goal: "x" }),
    ).rejects.toThrow(/spawn.depth 0/);
    await expect(bench().call("agent.spawn", { agent: "stranger", goal: "x" })).rejects.toThrow(/there are: `reader`/);
  });
});
