import { expect, it } from "vitest";
import { actionDigest } from "../../src/model/action.ts";
import { type Digest, digestOf } from "../../src/model/canonical.ts";
import type { PreTool, Spawn } from "../../src/model/payload.ts";

const CALL: PreTool = {
  agent: { name: "a", version: "1.0.0", blueprint: digestOf("blueprint") },
  step: 1,
  usage: { steps: 1, inputTokens: 0, outputTokens: 0, toolCalls: 1, spawned: 0, elapsedMs: 5 },
  call: {
    id: "one",
    tool: "process.run",
    taxon: "process",
    readOnly: false,
    idempotency: "unsafe",
    arguments: { argv: ["sh", "check.sh"] },
    origin: "model",
  },
  resolution: { executable: { path: "/bin/sh", digest: digestOf("sh") }, cwd: { path: "." } },
};

it("is the same for the same action in another step, under another id and after more has been used", () => {
  const later = { ...CALL, step: 7, usage: { ...CALL.usage, toolCalls: 9 }, call: { ...CALL.call, id: "two" } };
  expect(actionDigest("pre-tool", later)).toBe(actionDigest("pre-tool", CALL));
});

it.each<readonly [string, PreTool]>([
  ["the tool", { ...CALL, call: { ...CALL.call, tool: "process.run2" } }],
  ["an argument", { ...CALL, call: { ...CALL.call, arguments: { argv: ["sh", "other.sh"] } } }],
  ["what an argument resolves to", { ...CALL, resolution: { ...CALL.resolution, cwd: { path: "sub" } } }],
  ["who asked for it", { ...CALL, call: { ...CALL.call, origin: "hook:other" } }],
  ["anything else that the payload says", { ...CALL, secrets: ["token"] } as PreTool],
])("is another one when %s changes", (_, changed) => {
  expect(actionDigest("pre-tool", changed)).not.toBe(actionDigest("pre-tool", CALL));
});

it("names the phase too, and of a spawn everything that is about the child", () => {
  const spawn: Spawn = {
    agent: CALL.agent,
    step: 1,
    usage: CALL.usage,
    call: "one",
    child: { name: "helper", version: "1.0.0", blueprint: digestOf("helper") },
    goal: "help",
    depth: 1,
    spawned: 0,
  };
  const digests = new Set<Digest>([
    actionDigest("pre-tool", CALL),
    actionDigest("spawn", spawn),
    actionDigest("spawn", { ...spawn, goal: "harm" }),
    actionDigest("spawn", { ...spawn, child: { ...spawn.child, version: "1.0.1" } }),
  ]);
  expect(digests.size).toBe(4);
});
