import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Lab } from "../support/lab.ts";

const PROVIDERS = [
  { adapter: "openai", model: "gpt-4o", key: "OPENAI_API_KEY" },
  { adapter: "anthropic", model: "claude-sonnet-4-5", key: "ANTHROPIC_API_KEY" },
  { adapter: "google", model: "gemini-2.5-flash", key: "GOOGLE_GENERATIVE_AI_API_KEY" },
  { adapter: "openai-compatible", model: "qwen3:8b", key: "OPENAI_COMPATIBLE_API_KEY" },
] as const;
const KEY = "sk-proj-Zq8vN3xW5tR7yU2pAb4C";

let lab: Lab;
let mock: LLMock;
beforeEach(async () => {
  lab = await Lab.open();
  mock = new LLMock({ port: 0 });
  await mock.start();
});
afterEach(async () => {
  await mock.stop();
  await lab.close();
});

describe.each(PROVIDERS)("$adapter over HTTP", ({ adapter, model, key }) => {
  test("a run with tools is recorded, and replays identical without server, key, workspace and hook files", async () => {
    Object.assign(lab.env, { env: { [key]: KEY } });
    await lab.file("a.txt", "the answer is 42");
    mock.onTurn(0, "try it", {
      content: "I look",
      toolCalls: [
        { name: "file_read", arguments: '{"path":"a.txt"}' },
        { name: "file_read", arguments: '{"path":"secrets/x"}' },
        { name: "no_such_tool", arguments: "{}" },
      ],
    });
    mock.onTurn(1, /.*/, { content: "It says 42." });
    const file = await lab.blueprint({
      runtime: { adapter, model, baseUrl: mock.url },
      turns: [{ text: "unused" }],
      shipped: { "tool-gate": { allow: [{ tools: ["file.*"] }] }, audit: {} },
      chain: { "pre-tool": ["tool-gate"], audit: ["audit"] },
    });
    const summary = await lab.run(file);
    expect(summary).toMatchObject({ state: "completed", exit: 0, steps: 2, blocked: 2, result: "It says 42." });
    expect(JSON.stringify(mock.getRequests().at(-1)?.body)).toContain("the answer is 42");

    await mock.stop();
    Object.assign(lab.env, { env: {} });
    await rm(lab.workspace, { recursive: true });
    await rm(join(lab.root, "blueprint"), { recursive: true });
    expect(await lab.replay()).toMatchObject({ answer: "identical", steps: 2 });
    expect(await readFile(join(lab.root, "out.jsonl"), "utf8")).not.toContain(KEY);
    await mock.start();
  });
});

test("a provider without a key is refused before anything starts", async () => {
  const file = await lab.blueprint({ turns: [{ text: "unused" }], runtime: { adapter: "openai", model: "gpt-4o" } });
  await expect(lab.run(file)).rejects.toMatchObject({ exit: 2, message: expect.stringContaining("OPENAI_API_KEY") });
  expect(lab.entries).toEqual([]);
});

test("a model that answers nonsense fails the run, says so, and the recording replays", async () => {
  Object.assign(lab.env, { env: { OPENAI_API_KEY: KEY } });
  mock.onMessage("try it", { content: "" });
  const file = await lab.blueprint({
    turns: [{ text: "unused" }],
    runtime: { adapter: "openai", model: "gpt-4o", baseUrl: mock.url, retries: 0 },
  });
  const summary = await lab.run(file);
  expect(summary).toMatchObject({ state: "failed", exit: 1 });
  expect(summary.reason).toMatch(/neither text nor tool calls|answered/);
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});
