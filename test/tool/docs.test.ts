import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Json } from "../../src/model/json.ts";
import { bench, STANDARD } from "./kit.ts";

const page = readFileSync("docs/tools.md", "utf8");
const calls = [...page.matchAll(/```json\n(.*?)\n```/gs)].map(
  ([, text]) => JSON.parse(text ?? "") as { tool: string; arguments: Json },
);

describe("docs/tools.md", () => {
  test("shows a valid call of every tool", () => {
    const { box } = bench();
    for (const call of calls) expect(box.invalidArguments(call), JSON.stringify(call)).toBeUndefined();
    expect(calls.map(({ tool }) => tool).sort()).toEqual(STANDARD.spec.tools.map(({ name }) => name).sort());
  });

  test("says of every tool what the registry says", () => {
    for (const { name, taxon, readOnly, idempotency } of STANDARD.spec.tools) {
      const again = idempotency === "idempotent" ? "yes" : "a person is asked";
      expect(page).toContain(`| \`${name}\` | ${taxon} | ${readOnly ? "no" : "yes"} | ${again} |`);
    }
  });
});
