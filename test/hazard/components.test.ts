import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HookHosts, HookOutcome } from "../../src/model/hook.ts";
import { LIMITS, load, outcomeOf, testHosts } from "../support/guests.ts";
import { type ComponentHook, componentHook, repeated } from "./guests/component.ts";
import { ALLOW, buildWat, section, watHook, withModule } from "./guests/wat.ts";

let hosts: HookHosts;
beforeAll(() => {
  hosts = testHosts();
});
afterAll(() => hosts.close());

const ALLOWED = { kind: "verdict", decision: "allow", rationale: "fine" };

/** What it says when it is asked once, or why it is not loaded. The host lives. */
async function outcome(bytes: Uint8Array, limits = LIMITS): Promise<HookOutcome> {
  const host = await hosts.open({ deadlines: true });
  const loaded = await load(host, bytes, { limits });
  const found: HookOutcome = loaded.ok
    ? await outcomeOf(host)
    : { kind: "failed", cause: loaded.cause, detail: loaded.detail };
  expect(host.alive).toBe(true);
  await host.kill();
  return found;
}
const outcomeOfComponent = async (parts: ComponentHook) => outcome(await componentHook(parts));

test("the component that the others are made of is fine", async () => {
  expect(await outcomeOfComponent({})).toEqual(ALLOWED);
});

describe("R23 built-in functions are imports that are not on our list", () => {
  test.each([
    ["waitable-set.new", "(result i32)", "(drop (call $f))"],
    ["context.get i32 0", "(result i32)", "(drop (call $f))"],
    ["backpressure.inc", "", "(call $f)"],
    ["thread.yield", "(result i32)", "(drop (call $f))"],
    ["subtask.drop", "(param i32)", "(call $f (i32.const 1))"],
    ["task.cancel", "", "(call $f)"],
  ])("%s", async (canon, type, call) => {
    const found = await outcomeOfComponent({
      before: `(core func $built-in (canon ${canon})) (core instance $x (export "f" (func $built-in)))`,
      with: '(with "x" (instance $x))',
      imports: `(import "x" "f" (func $f ${type}))`,
      handle: repeated(3, call),
    });
    expect(found).toMatchObject({ cause: "malformed", detail: expect.stringContaining("uses a built-in function") });
  });
});

test("R3 handles that nested components make for each other without end: the call traps", async () => {
  const found = await outcomeOfComponent({
    before: `(component $c (type $r (resource (rep i32))) (core func $new (canon resource.new $r))
        (core instance $x (export "f" (func $new)))
        (core module $k (import "x" "f" (func $f (param i32) (result i32)))
          (func (export "run") (local $n i32)
            (loop (drop (call $f (local.get $n)))
              (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000))))))
        (core instance $ki (instantiate $k (with "x" (instance $x))))
        (alias core export $ki "run" (core func $run))
        (func (export "run") (canon lift (core func $run))))
      (instance $ci (instantiate $c)) (alias export $ci "run" (func $run))
      (core func $lowered (canon lower (func $run))) (core instance $x (export "f" (func $lowered)))`,
    with: '(with "x" (instance $x))',
    imports: '(import "x" "f" (func $f))',
    handle: `(call $f) (i32.const ${ALLOW})`,
  });
  expect(found).toMatchObject({ kind: "failed", cause: "trap" });
});

test("R3 a memory of another module that has its maximum: growing it is denied, and the machine is not blamed", async () => {
  const found = await outcomeOfComponent({
    before: '(core module $o (memory (export "memory") 2 3)) (core instance $oi (instantiate $o))',
    with: '(with "o" (instance $oi))',
    imports: '(import "o" "memory" (memory 2))',
    memory: '(export "memory" (memory 0))',
    handle: `(drop (memory.grow (i32.const 5))) (i32.const ${ALLOW})`,
  });
  expect(found).toMatchObject({
    cause: "limit",
    detail: expect.stringMatching(/^`memoryPages`: allowed 512, used 2 /),
  });
});

test("R3 growing that is denied while the component starts: the figures of the limit are right", async () => {
  const found = await outcomeOfComponent({
    before: `(core module $o (memory 1) (func $s (drop (memory.grow (i32.const 10000)))) (start $s))
      (core instance (instantiate $o))`,
  });
  const detail = "`memoryPages`: allowed 512, used 3 and asked for more";
  expect(found).toEqual({ kind: "failed", cause: "limit", detail });
});

test("R6 a rationale that takes six times its bytes as JSON: a limit, and no fault of the protocol", async () => {
  const bytes = await buildWat(
    watHook({
      memory: '(memory (export "memory") 510)',
      handle: `(i32.store (i32.const 2008) (i32.const 131072)) (i32.store (i32.const 2012) (i32.const 23000000))
        (i32.const 2000)`,
    }),
  );
  const found = await outcome(bytes, { ...LIMITS, outputBytes: 67_108_864 });
  expect(found).toMatchObject({ cause: "limit", detail: expect.stringContaining("`outputBytes`: allowed") });
});

describe("R8 what breaks the tools is the component's fault", () => {
  const bytes = (...parts: (number | readonly number[] | Uint8Array)[]) =>
    Buffer.concat(parts.map((part) => Buffer.from(typeof part === "number" ? [part] : part)));
  const leb = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)]);

  test("R25 an export that looks like an import of the generated code", async () => {
    const found = await outcomeOfComponent({ exported: "import(" });
    expect(found).toMatchObject({ cause: "malformed", detail: expect.stringContaining("no toolchain writes") });
  });

  test("types of instances nested 20,000 levels deep", async () => {
    const good = await buildWat(watHook({}));
    const levels = Array.from({ length: 20_000 }, () => [0x42, 0x01, 0x01]).flat();
    const type = section(7, bytes(1, levels, 0x73));
    const found = await outcome(bytes(good.subarray(0, 8), type, good.subarray(8)));
    expect(found).toMatchObject({ cause: "malformed", detail: expect.stringContaining("nested more than 4 levels") });
  });

  test("a type of which 200,000 make one tuple", async () => {
    const good = await buildWat(watHook({}));
    const name = Buffer.alloc(4000, "x");
    const record = bytes(0x72, 1, leb(name.length), name, 0x73);
    const tuple = bytes(0x6f, leb(200_000), Buffer.alloc(200_000));
    const found = await outcome(bytes(good.subarray(0, 8), section(7, bytes(2, record, tuple)), good.subarray(8)));
    expect(found).toMatchObject({ cause: "malformed", detail: expect.stringContaining("more than 4096 characters") });
  });

  test("a module that only the tools find wrong", async () => {
    const good = await buildWat(watHook({}));
    const found = await outcome(withModule(good, bytes([0x00, 0x61, 0x73, 0x6d, 0x02, 0, 0, 0])));
    expect(found).toMatchObject({ cause: "malformed" });
  });
});

/** Values that an optimiser finds again behind the call, and so keeps on the stack across it. */
function kept(count: number, depth: number): Promise<Uint8Array> {
  const stores = Array.from(
    { length: count },
    (_, n) => `(i32.store offset=${70_000 + 4 * (n % 1000)} (i32.const 0)
      (i32.mul (local.get $p) (i32.const ${(n * 48_271 + 12_345) | 0})))`,
  ).join("\n");
  const fields = `(func $down (param $p i32) (param $n i32) ${stores}
    (if (local.get $n) (then (call $down (i32.add (local.get $p) (i32.const 1)) (i32.sub (local.get $n) (i32.const 1)))))
    ${stores})`;
  return buildWat(watHook({ fields, handle: `(call $down (i32.const 5) (i32.const ${depth})) (i32.const ${ALLOW})` }));
}

test.each([
  [120, 4500],
  [1500, 3000],
  [1500, 1_000_000],
])(
  "R5 recursion over %i values that optimised code keeps, %i levels deep: the same in every tier of the compiler",
  async (count, depth) => {
    const bytes = await kept(count, depth);
    const found = [];
    for (const flags of [[], ["--liftoff-only"], ["--no-liftoff"]]) {
      const pool = testHosts({ flags });
      const host = await pool.open({ deadlines: true });
      expect(await load(host, bytes, { limits: { ...LIMITS, fuel: 100_000_000_000 } })).toMatchObject({ ok: true });
      // Again and again, so that the optimiser comes to it where it may.
      const outcomes = [await outcomeOf(host), await outcomeOf(host), await outcomeOf(host)];
      expect(host.alive).toBe(true);
      found.push(outcomes);
      await pool.close();
    }
    expect(found[1]).toEqual(found[0]);
    expect(found[2]).toEqual(found[0]);
  },
);
