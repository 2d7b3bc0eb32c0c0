import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { componentWit } from "@bytecodealliance/jco-transpile/wasm-tools";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digestOf } from "../../src/model/canonical.ts";
import { FAILURE_CAUSES, type HookHost, type HookHosts } from "../../src/model/hook.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { inspect } from "../../src/sandbox/inspect/inspect.ts";
import { Malformed } from "../../src/sandbox/wasm/reader.ts";
import { Random } from "../sandbox/meter/random.ts";
import { ask, LIMITS, load, testHosts } from "../support/guests.ts";
import { runs, seed } from "../support/property.ts";
import { mutate } from "./guests/mutate.ts";
import { watPuppet } from "./guests/puppet.ts";
import { buildWat, watHook } from "./guests/wat.ts";

const hook = (name: string) => readFile(new URL(`../../hooks/${name}/${name}.wasm`, import.meta.url));

/** Good components, and how often each is changed: the small ones more often, since their mutants are looked at in no time. */
const CORPUS: readonly {
  readonly name: string;
  readonly share: number;
  readonly config?: JsonObject;
  readonly component: () => Promise<Uint8Array>;
}[] = [
  { name: "a WAT hook", share: 40, component: () => buildWat(watHook({})) },
  {
    name: "a WAT hook that calls the host",
    share: 30,
    config: { guest: 1 },
    component: () =>
      buildWat(
        watPuppet([
          {
            handle: "(call $random (i32.const 8) (i32.const 60000)) (drop (call $now)) (i32.const 1024)",
            fields: "(table $t funcref (elem $f)) (func $f (drop (f64.div (f64.const 1) (f64.const 3))))",
          },
        ]),
      ),
  },
  { name: "an AssemblyScript hook", share: 25, component: () => hook("redact") },
  { name: "a QuickJS hook", share: 5, component: () => hook("audit") },
];

const CALL = {
  id: "c",
  tool: "file.write",
  arguments: { path: "a", content: "password: hunter2x AKIAIOSFODNN7EXAMPLE" },
};
const PAYLOAD = JSON.stringify({ step: 1, call: CALL });

let cacheDir: string;
let hosts: HookHosts;
let host: HookHost;
let loads = 0;
beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "pinion-mutants-"));
  hosts = testHosts({ cacheDir });
  host = await hosts.open({ deadlines: true });
});
afterAll(async () => {
  await hosts.close();
  await rm(cacheDir, { recursive: true, force: true });
});

/** A refusal has words for what is wrong; nothing else may come of looking at a component. */
async function refusalOf(bytes: Uint8Array): Promise<string | undefined> {
  try {
    await inspect(bytes, (whole) =>
      componentWit(whole).catch((error: unknown) => {
        throw new Malformed(`is refused by the component tools: ${error}`);
      }),
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    expect(error.message).not.toBe("");
    return error.message;
  }
}

/** What a fresh instance does with its configuration and one boundary; failures without the name of the instance. */
async function lifeOf(bytes: Uint8Array, config: JsonObject) {
  loads += 1;
  const name = `mutant-${loads}`;
  const limits = { ...LIMITS, fuel: 3_000_000, memoryPages: 2048 };
  const loaded = await load(host, bytes, { name, role: "transformer", config, limits });
  if (!loaded.ok) return { loaded };
  const events = await ask(host, { hooks: [name], payload: PAYLOAD }, () => ({ error: "denied" }));
  return { loaded, events: events.map((event) => ({ ...event, hook: "mutant" })) };
}

/** Tries one mutant; whether it was refused, not loaded, failed, or answered. */
async function tryMutant(bytes: Uint8Array, config: JsonObject): Promise<string> {
  if ((await refusalOf(bytes)) !== undefined) return "refused";
  const first = await lifeOf(bytes, config);
  expect(await lifeOf(bytes, config)).toEqual(first);
  expect(host.alive).toBe(true);
  const last = first.events?.at(-1);
  if (last?.kind !== "result") {
    expect(first.loaded).toMatchObject({
      ok: false,
      cause: expect.toBeOneOf([...FAILURE_CAUSES]),
      detail: expect.stringMatching(/./),
    });
    return first.loaded.ok ? "no answer" : `not loaded (${first.loaded.cause})`;
  }
  if (last.outcome.kind === "verdict") return "answered";
  expect(last.outcome.detail).not.toBe("");
  return `failed (${last.outcome.cause})`;
}

test.each(CORPUS)(
  "R25 R8 R7 mutants of $name are refused with a reason, or do the same twice",
  async ({ share, component, name, config = {} }) => {
    const good = await component();
    expect(await refusalOf(good)).toBeUndefined();
    const count = Math.ceil((runs(60, 2400) * share) / 100);
    const random = new Random(seed ^ Number.parseInt(digestOf(name).slice(7, 15), 16));
    const tally = new Map<string, number>();
    for (let n = 0; n < count; n += 1) {
      const before = random.bits();
      const mutant = mutate(good, new Random(before));
      try {
        const came = await tryMutant(mutant, config);
        tally.set(came, (tally.get(came) ?? 0) + 1);
      } catch (cause) {
        throw new Error(`mutant ${n} of ${name}, from the number ${before}`, { cause });
      }
      if (loads > 50) {
        loads = 0;
        await host.kill();
        host = await hosts.open({ deadlines: true });
      }
    }
    // Mutants that are all refused, or all accepted, would try nothing.
    if (count >= 20) expect([...tally.keys()].length, JSON.stringify([...tally])).toBeGreaterThan(1);
  },
);
