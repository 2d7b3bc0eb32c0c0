import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { hookNames } from "../../scripts/build-hooks.ts";
import { canonicalJson } from "../../src/model/canonical.ts";
import type { HookHost, PinnedHook } from "../../src/model/hook.ts";
import type { Json } from "../../src/model/json.ts";
import { invalidCapsule, invalidPayload } from "../../src/pipeline/schemas.ts";
import { ask, LIMITS, pinnedHook, SEED, testHosts } from "../support/guests.ts";
import { type Case, readCases } from "./cases.ts";
import { type Guest, load } from "./component.ts";

const root = join(import.meta.dirname, "../..");

/** What a hook answered, and what it told the host. */
interface Answered {
  readonly decision?: string;
  readonly rationale?: string;
  readonly error?: string;
  readonly payload?: string | undefined;
  readonly events: readonly { readonly kind: string; readonly data: Json }[];
  readonly capsules: readonly { readonly kind: string; readonly value: Json }[];
}

function expectAnswer(answer: Answered, { expect: expected }: Case): void {
  expect(answer.decision).toBe(expected.decision);
  for (const text of expected.rationale ?? []) expect(answer.rationale).toContain(text);
  if (expected.error !== undefined) expect(answer.error).toContain(expected.error);
  else expect(answer.error).toBeUndefined();
  if (expected.payload !== undefined) expect(JSON.parse(answer.payload ?? "null")).toEqual(expected.payload);
  expect(answer.events).toEqual(expected.events ?? []);
  expect(answer.capsules).toEqual(expected.capsules ?? []);
  for (const { kind, value } of answer.capsules) expect(invalidCapsule(kind, value)).toBeUndefined();
}

/** Asks an instance in this process. */
function askHere(guest: Guest, { config, phase, payload }: Case): Answered {
  const { events, capsules } = guest;
  try {
    guest.configure(config);
    return { ...guest.handle(phase, canonicalJson(payload)), events, capsules };
  } catch (error) {
    if (error instanceof Error) return { error: error.message, events, capsules };
    throw error;
  }
}

/** Asks an instance of its own in a hook host. */
async function askHost(host: HookHost, hook: PinnedHook, bytes: Uint8Array, example: Case): Promise<Answered> {
  const loaded = await host.load({ hook, bytes, seed: SEED });
  if (!loaded.ok) return { error: loaded.detail, events: [], capsules: [] };
  const payload = canonicalJson(example.payload);
  const [event] = await ask(host, { phase: example.phase, payload, hooks: [hook.name] });
  if (event?.kind !== "result") throw new Error("it gave no result");
  const { outcome, log } = event;
  return {
    ...(outcome.kind === "failed" ? { error: outcome.detail } : outcome),
    events: log.flatMap((call) => (call.call === "emit-event" ? [{ kind: call.kind, data: call.data }] : [])),
    capsules: log.flatMap((call) => (call.call === "write-capsule" ? [{ kind: call.kind, value: call.value }] : [])),
  };
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
    let host: HookHost;
    beforeAll(async () => {
      host = await hosts.open({ deadlines: true });
    });
    afterAll(() => hosts.close());

    it.each(cases)("$name", async (example) => {
      const { role, phases } = spec;
      const limits = { ...LIMITS, ...spec.limits };
      const hook = pinnedHook(bytes, { role, phases, limits, name: example.name, config: example.config });
      expectAnswer(await askHost(host, hook, bytes, example), example);
    });
  });
}
