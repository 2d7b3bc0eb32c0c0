import { expect, test } from "vitest";
import { Context } from "../../src/kernel/context.ts";
import type { Message } from "../../src/model/message.ts";

function turn(context: Context, n: number, size: number): void {
  const id = `call_${n}`;
  context.add({
    role: "assistant",
    text: `turn ${n}`,
    toolCalls: [{ id, tool: "file.read", arguments: { path: "a" } }],
  });
  context.add({ role: "tool", call: id, tool: "file.read", ok: true, text: "x".repeat(size) });
}

function bytes(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + Buffer.byteLength(JSON.stringify(message)), 0);
}

test("leaves a conversation within its budget alone", () => {
  const context = new Context({ maxBytes: 10_000, maxResultBytes: 1000 });
  turn(context, 1, 500);
  expect(context.trim()).toBeUndefined();
  expect(context.messages).toHaveLength(3);
});

test("replaces the oldest tool results by stubs that name their digest, and leaves the newest turn whole", () => {
  const context = new Context({ maxBytes: 4000, maxResultBytes: 2000 });
  for (let n = 1; n <= 4; n++) turn(context, n, 1200);
  expect(context.trim()).toMatchObject({ stubbed: 3, folded: 0 });
  const tools = context.messages.filter((message) => message.role === "tool");
  expect(tools[0]?.text).toMatch(/^\[result no longer shown: sha256:[0-9a-f]{64}, 1200 bytes\]$/);
  expect(tools[3]?.text).toBe("x".repeat(1200));
});

test("stays within its budget however many turns there are, and keeps every call beside its result", () => {
  const context = new Context({ maxBytes: 4000, maxResultBytes: 2000 });
  context.goal("the goal");
  for (let n = 1; n <= 500; n++) {
    turn(context, n, 300);
    context.trim();
    expect(bytes(context.messages)).toBeLessThan(5000);
    const [goal, second, third] = context.messages;
    expect(goal).toEqual({ role: "user", text: "the goal" });
    const first = second?.role === "user" ? third : second;
    expect(first?.role).toBe("assistant");
  }
  expect(context.messages[1]).toMatchObject({
    text: expect.stringMatching(/^\[\d+ earlier messages are no longer shown\]$/),
  });
});

test("cuts a long result between characters and says how much is shown", () => {
  const context = new Context({ maxBytes: 1000, maxResultBytes: 5 });
  expect(context.result("äöü")).toBe("äö\n[cut: 4 of 6 bytes]");
  expect(context.result("äö")).toBe("äö");
});
