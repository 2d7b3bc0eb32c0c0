import { LLMock } from "@copilotkit/aimock";
import { expect, test } from "vitest";
import { Lab } from "../support/lab.ts";

test("A3 arguments of a megabyte and a text of six: gated like any other, and the recording replays", async () => {
  const lab = await Lab.open();
  const mock = new LLMock({ port: 0 });
  await mock.start();
  try {
    mock.onTurn(0, /.*/, {
      content: "x".repeat(6_000_000),
      toolCalls: [{ name: "file_read", arguments: JSON.stringify({ path: "y".repeat(900_000) }) }],
    });
    mock.onTurn(1, /.*/, { content: "done" });
    const file = await lab.blueprint({
      runtime: { adapter: "openai-compatible", model: "any", baseUrl: mock.url },
      turns: [{ text: "unused" }],
      shipped: { redact: {}, "tool-gate": { allow: [{ tools: ["file.*"] }] }, audit: {} },
      chain: { "post-receive": ["redact"], "pre-tool": ["redact", "tool-gate"], audit: ["redact", "audit"] },
      limits: { tokens: 100_000_000 },
    });
    const summary = await lab.run(file);
    expect(summary.reason).toBe("the agent has finished");
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  } finally {
    await mock.stop();
    await lab.close();
  }
});
