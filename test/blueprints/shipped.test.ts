import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { openStore } from "../../src/artifact/store.ts";
import { loadBlueprint } from "../../src/blueprint/load.ts";
import { resolveBlueprint } from "../../src/blueprint/resolve.ts";
import { loadDocument } from "../../src/blueprint/yaml.ts";
import { compile } from "../../src/llm/script/compile.ts";
import type { ModelScript } from "../../src/llm/script/script.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { PHASES } from "../../src/model/phase.ts";
import { temporaryFolder } from "../blueprint/sample.ts";

const root = fileURLToPath(new URL("../../blueprints/", import.meta.url));
const sample = `${root}reviewer/sample/`;

test.each(globSync("**/script.yaml", { cwd: root }))("%s can be played", (file) => {
  const schema: JsonObject = JSON.parse(readFileSync(new URL("../../schemas/script.v1.json", import.meta.url), "utf8"));
  const { value } = loadDocument<ModelScript>(readFileSync(root + file), { file, schema });
  expect(compile(value).length).toBe(value.spec.turns.length);
});

test.each([
  ["minimal", []],
  ["reviewer", ["reader"]],
])("%s holds what it pins, and is gated at every boundary if at any", async (name, children) => {
  const store = openStore({ root: temporaryFolder() });
  const file = await loadBlueprint(`${root}${name}/blueprint.yaml`);
  const resolved = await resolveBlueprint(file, {
    artifacts: store,
    installation: fileURLToPath(new URL("../../", import.meta.url)),
  });
  expect(Object.keys(resolved.children)).toEqual(children);
  const gated = PHASES.filter((phase) => resolved.chain[phase]?.length);
  expect(gated).toEqual(name === "minimal" ? [] : PHASES);
});

describe("the project that the reviewer reviews", () => {
  test("has exactly one failing test, and it is the one that the change broke", () => {
    const argv = ["--test", "--test-reporter=tap"];
    // Without it the inner runner would report to this one.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { status, stdout } = spawnSync(process.execPath, argv, { cwd: sample, env, encoding: "utf8" });
    expect(status).toBe(1);
    expect(stdout.match(/^not ok .*$/gm)).toEqual([expect.stringContaining(" - the shares add up to the bill")]);
    expect(stdout).toContain("999 !== 1000");
  });

  test("is what its patch made of it", () => {
    const patch = readFileSync(`${sample}CHANGES.patch`, "utf8").split("\n");
    const after = patch
      .slice(patch.findIndex((line) => line.startsWith("@@")) + 1)
      .filter((line) => /^[ +]/.test(line));
    expect(readFileSync(`${sample}src/split.js`, "utf8")).toBe(after.map((line) => `${line.slice(1)}\n`).join(""));
  });

  test("plants credentials from the providers' documentation, which open nothing", () => {
    const settings = readFileSync(`${sample}config/deploy.env`, "utf8");
    for (const example of [
      "AKIAIOSFODNN7EXAMPLE",
      "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      "SflKxwRJSMeKKF2QT4fwpM",
    ]) {
      expect(settings).toContain(example);
    }
  });
});
