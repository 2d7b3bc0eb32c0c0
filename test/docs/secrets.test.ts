import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import type { JsonObject } from "../../src/model/json.ts";
import { checkSecrets } from "../../src/runtime/secrets/check.ts";
import { Lab } from "../support/lab.ts";

const [registry, blueprint, policy] = [
  ...readFileSync("docs/secrets.md", "utf8").matchAll(/```yaml\n(.*?)\n```/gs),
].map(([, text]) => parse(text ?? "") as unknown);
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(() => lab.close());

test("docs/secrets.md shows a registry, a blueprint and a policy that fit together", async () => {
  const tools = registry as readonly { readonly name: string; readonly secrets: readonly JsonObject[] }[];
  const { secrets } = blueprint as { readonly secrets: JsonObject };
  const file = await lab.blueprint({
    secrets,
    uses: Object.fromEntries(tools.map((tool) => [tool.name, tool.secrets])),
    tools: tools.map(({ name }) => name),
    taxa: ["network", "process"],
    turns: [{ text: "done" }],
  });
  const checked = await checkSecrets(file, { ...lab.env, env: { PINION_SECRET_GITHUB_TOKEN: "a-value" } });
  expect(checked.ok).toBe(true);
  expect((policy as { readonly secrets: { readonly allow: readonly string[] } }).secrets.allow).toEqual(
    Object.keys(secrets),
  );
  const uses = checked.secrets.flatMap((secret) => secret.uses);
  expect(uses.map(({ as }) => as).sort()).toEqual(["environment", "file", "header", "stdin"]);
  expect(uses.every(({ allowed }) => allowed)).toBe(true);
});
