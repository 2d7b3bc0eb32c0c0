import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { hookNames } from "../../scripts/build-hooks.ts";
import { type Answer, differences } from "../../src/authoring/expectation.ts";
import { canonicalJson } from "../../src/model/canonical.ts";
import type { PinnedHook } from "../../src/model/hook.ts";
import type { Json } from "../../src/model/json.ts";
import { invalidPayload } from "../../src/pipeline/schemas.ts";
import { tryCase } from "../../src/runtime/authoring/test.ts";
import { Trial } from "../../src/runtime/authoring/trial.ts";
import { LIMITS, pinnedHook, testHosts } from "../support/guests.ts";
import { type Case, readCases } from "./cases.ts";
import { type Guest, load } from "./component.ts";

const root = join(import.meta.dirname, "../..");

function expectAnswer(answer: Answer, { expect: expected }: Case): void {
  expect(differences(answer, expected)).toEqual([]);
}

/** Asks an instance in this process. */
function askHere(guest: Guest, { config, phase, payload }: Case): Answer {
  const said = { events: guest.events, capsules: guest.capsules, approvals: [] };
  try {
    guest.configure(config);
    const { payload: replaced, ...verdict } = guest.handle(phase, canonicalJson(payload));
    return { ...verdict, ...said, ...(replaced === undefined ? {} : { payload: JSON.parse(replaced) as Json }) };
  } catch (error) {
    if (error instanceof Error) return { error: error.message, ...said };
    throw error;
  }
}

for (const name of hookNames(root)) {
  const folder = join(root, "hooks", name);
  const bytes = readFileSync(join(folder, `${name}.wasm`));
  const { spec } = parse(readFileSync(join(folder, "hook.yaml"), "utf8")) as { readonly spec: PinnedHook };
  const cases = readCases(folder);

  describe(`the cases of ${name}`, () => {
    const component = load(join(folder, `${name}.wasm`));

    it.each(cases)("are real: $name", ({ phase, payload, config }) => {
      expect(invalidPayload(phase, payload)).toBeUndefined();
      expect(spec.phases).toContain(phase);
      expect(new Ajv2020().validate(spec.config, config)).toBe(true);
    });

    it.each(cases)("in this process: $name", async (example) => {
      expectAnswer(askHere((await component)(), example), example);
    });
  });

  describe(`the committed ${name} in a hook host`, () => {
    const hosts = testHosts();
    const trial = new Trial({ hosts, bytes, now: () => 0 });
    afterAll(() => hosts.close());

    it.each(cases)("$name", async (example) => {
      const { role, phases } = spec;
      const limits = { ...LIMITS, ...spec.limits };
      const hook = pinnedHook(bytes, { role, phases, limits, name: example.name, config: example.config });
      expect((await tryCase(trial, example, hook)).differences).toEqual([]);
    });
  });
}
