import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hookHostLayers } from "../../src/runtime.ts";
import { Lab, scriptedHook } from "../support/lab.ts";
import { hookHostPids } from "../support/processes.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

async function header(): Promise<unknown> {
  const [line = ""] = (await readFile(join(lab.root, "out.jsonl"), "utf8")).split("\n");
  return JSON.parse(line);
}

test("the header names the layers that confined the hook hosts of the run", async () => {
  const gate = await scriptedHook('return allow("fine");', { name: "gate", phases: ["pre-plan"] });
  await lab.run(await lab.blueprint({ turns: [{ text: "done" }], hooks: [gate], chain: { "pre-plan": ["gate"] } }));
  const active = (await hookHostLayers()).flatMap(({ name, active }) => (active ? [name] : []));
  expect(active).toContain("permission");
  expect(await header()).toMatchObject({ hookHost: active });
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});

test("a run without hooks says that nothing confined them, and leaves no process behind", async () => {
  await lab.run(await lab.blueprint({ turns: [{ text: "done" }] }));
  expect(await header()).toMatchObject({ hookHost: [] });
  expect(hookHostPids()).toEqual([]);
});

test("what is refused before a run leaves no process behind", async () => {
  await expect(lab.run(join(lab.root, "nowhere.yaml"))).rejects.toThrow("nowhere.yaml");
  expect(hookHostPids()).toEqual([]);
});
