import { expect, test } from "vitest";
import { toolNames } from "../../src/llm/names.ts";

test("maps names there and back, one to one", () => {
  const offered = ["file.read", "file.list", "process.run", "agent.spawn", "plain", "a_b.c-d"];
  const names = toolNames(offered);
  const there = offered.map(names.toProvider);
  expect(there).toEqual(["file_read", "file_list", "process_run", "agent_spawn", "plain", "a_b_c-d"]);
  expect(there.map(names.fromProvider)).toEqual(offered);
});

test("A2 two tools that a provider could not tell apart are refused", () => {
  expect(() => toolNames(["file.read", "file_read"])).toThrow(
    expect.objectContaining({ name: "InputError", code: "tool-name-collision" }),
  );
});

test.each(["", "9lives", "lösche", "rm -rf", "x".repeat(65), "file/read"])(
  "refuses `%s` as the name of a tool",
  (name) => {
    expect(() => toolNames([name])).toThrow(expect.objectContaining({ name: "InputError", code: "tool-name" }));
  },
);

test("A2 a name that was not offered is neither mapped nor able to spoil a request", () => {
  const names = toolNames(["file.read"]);
  expect(names.fromProvider("file_write")).toBe("file_write");
  expect(names.toProvider("rm -rf /")).toBe("unknown_tool");
});
