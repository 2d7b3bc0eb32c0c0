import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Lab } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "hello");
});
afterEach(() => lab.close());

const SHIPPED = {
  shipped: { "tool-gate": { allow: [{ tools: ["file.*", "agent.spawn"] }] }, audit: {} },
  chain: { "pre-tool": ["tool-gate"], spawn: ["tool-gate"], audit: ["audit"] },
};

async function forgotten(run: string): Promise<void> {
  await rm(join(lab.env.stateDir, "keys", `${run}.key`));
}

test("without the run's key a replay is identical except for what is sealed", async () => {
  const file = await lab.blueprint({
    ...SHIPPED,
    turns: [
      {
        text: "one",
        calls: [
          { id: "read", tool: "file.read", arguments: { path: "a.txt" } },
          { id: "secret", tool: "file.read", arguments: { path: "secrets/x" } },
          { id: "none", tool: "file.read", arguments: { nonsense: true } },
          { id: "ask", tool: "agent.spawn", arguments: { agent: "helper", goal: "help" } },
        ],
      },
      { text: 'read: ${results.read.content | default "nothing"}' },
    ],
    child: [{ text: "helped" }],
  });
  const { run } = await lab.run(file);
  await forgotten(run);
  expect(await lab.replay()).toMatchObject({ answer: "identical-except-sealed", steps: 2, sealed: 8, exit: 0 });
});

test("without the run's key a run that a limit ended replays to its end", async () => {
  const tight = await lab.blueprint({ ...SHIPPED, turns: [{ text: "one" }], limits: { tokens: 1 } });
  const failed = await lab.run(tight);
  expect(failed).toMatchObject({ state: "failed", exit: 1 });
  await forgotten(failed.run);
  expect(await lab.replay()).toMatchObject({ answer: "identical-except-sealed" });
});
