import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { hookNames } from "../../scripts/build-hooks.ts";
import { canonicalJson } from "../../src/model/canonical.ts";
import type { Json, JsonObject } from "../../src/model/json.ts";
import type { Phase } from "../../src/model/phase.ts";
import { invalidCapsule, invalidPayload } from "../../src/pipeline/schemas.ts";
import { load } from "./component.ts";

interface Case {
  readonly name: string;
  readonly phase: Phase;
  readonly config?: JsonObject;
  readonly payload: JsonObject;
  readonly expect: {
    readonly decision: string;
    /** Every text stands in the rationale. */
    readonly rationale?: readonly string[];
    readonly payload?: JsonObject;
    readonly events?: readonly Json[];
    readonly capsules?: readonly Json[];
  };
}

interface Cases {
  /** Used where a case has no configuration of its own. */
  readonly config: JsonObject;
  /** Members of every payload but those of `audit`. */
  readonly common: JsonObject;
  readonly cases: readonly Case[];
}

const root = join(import.meta.dirname, "../..");

for (const hook of hookNames(root)) {
  const folder = join(root, "hooks", hook);
  const { config, common, cases } = parse(readFileSync(join(folder, "cases.yaml"), "utf8"), { merge: true }) as Cases;
  const component = load(join(folder, `${hook}.wasm`));

  describe(`the committed ${hook}`, () => {
    it.each(cases)("$name", async (example) => {
      const guest = (await component)();
      guest.configure(example.config ?? config);
      const shared = example.phase === "audit" ? {} : common;
      const payload = { ...shared, ...example.payload };
      expect(invalidPayload(example.phase, payload)).toBeUndefined();
      const answer = guest.handle(example.phase, canonicalJson(payload));

      expect(answer).toMatchObject({ decision: example.expect.decision });
      for (const text of example.expect.rationale ?? []) expect(answer.rationale).toContain(text);
      if (example.expect.payload !== undefined) {
        expect(JSON.parse(answer.payload ?? "null")).toEqual({ ...shared, ...example.expect.payload });
      }
      expect(guest.events).toEqual(example.expect.events ?? []);
      expect(guest.capsules).toEqual(example.expect.capsules ?? []);
      for (const { kind, value } of guest.capsules) expect(invalidCapsule(kind, value)).toBeUndefined();
    });
  });
}
