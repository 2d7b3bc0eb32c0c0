import { beforeAll, describe, expect, test } from "vitest";
import { adaptGlue } from "../../src/sandbox/build/glue.ts";
import { ALLOW, buildWat, watHook } from "../hazard/guests/wat.ts";
import { type Generated, generate, link } from "../support/glue.ts";

const TEXT = "(i32.const 100) (i32.const 5)";
const ANSWER = "(i32.const 2000)";
const LONG = "x".repeat(300);
const ENTRIES = [
  { name: "a", kind: "file", size: 3n },
  { name: "ü𝄞", kind: "directory", size: 2n ** 53n },
];

/** Every function of the world: its core type, what a guest passes, and what the host returns. */
const FUNCTIONS: readonly (readonly [face: string, name: string, type: string, values: string, ok: unknown])[] = [
  ["host", "emit-event", "i32 i32 i32 i32 i32", `${TEXT} ${TEXT} ${ANSWER}`, undefined],
  ["host", "read-capsule", "i32 i32 i32", `${TEXT} ${ANSWER}`, LONG],
  ["host", "write-capsule", "i32 i32 i32 i32 i32", `${TEXT} ${TEXT} ${ANSWER}`, undefined],
  ["host", "request-tool-call", "i32 i32 i32 i32 i32", `${TEXT} ${TEXT} ${ANSWER}`, LONG],
  ["host", "request-approval", "i32 i32 i32", `${TEXT} ${ANSWER}`, undefined],
  ["host", "random", "i32 i32", `(i32.const 7) ${ANSWER}`, Uint8Array.from([1, 2, 255])],
  ["host", "sleep", "i32 i32", `(i32.const -1) ${ANSWER}`, undefined],
  ["files", "open-root", "i32 i32 i32", `${TEXT} ${ANSWER}`, "handle"],
  ["files", "open-directory", "i32 i32 i32 i32 i32", `${TEXT} ${TEXT} ${ANSWER}`, ""],
  ["files", "list", "i32 i32 i32 i32 i32", `${TEXT} ${TEXT} ${ANSWER}`, ENTRIES],
  ["files", "stat", "i32 i32 i32 i32 i32", `${TEXT} ${TEXT} ${ANSWER}`, ENTRIES[1]],
  [
    "files",
    "read",
    "i32 i32 i32 i32 i64 i32 i32",
    `${TEXT} ${TEXT} (i64.const -1) (i32.const 9) ${ANSWER}`,
    Uint8Array.from([0, 128]),
  ],
  ["files", "write", "i32 i32 i32 i32 i32 i32 i32", `${TEXT} ${TEXT} ${TEXT} ${ANSWER}`, undefined],
  ["files", "create-directory", "i32 i32 i32 i32 i32", `${TEXT} ${TEXT} ${ANSWER}`, undefined],
  ["files", "remove", "i32 i32 i32 i32 i32", `${TEXT} ${TEXT} ${ANSWER}`, undefined],
  ["files", "rename", "i32 i32 i32 i32 i32 i32 i32", `${TEXT} ${TEXT} ${TEXT} ${ANSWER}`, undefined],
];

const BUMP = `(global.set $top (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
  (global.get $top) (global.set $top (i32.add (global.get $top) (local.get 3)))`;

function caller([face, name, type, values]: (typeof FUNCTIONS)[number], realloc = BUMP): string {
  return watHook({
    imports: `(import "pinion:hook/${face}@1.0.0" "${name}" (func $call (param ${type})))`,
    fields: '(global $top (mut i32) (i32.const 65536)) (data (i32.const 100) "hello")',
    realloc,
    handle: `(call $call ${values}) (i32.const ${ALLOW})`,
  });
}

const camel = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/** Everything that can be seen of one call: what the host was given, what came back or was thrown, and the guest's memory. */
async function observed(
  glue: string,
  generated: Generated,
  [face, name]: readonly [string, string, ...unknown[]],
  answer: () => unknown,
) {
  const given: unknown[] = [];
  const host = (...values: unknown[]) => {
    given.push(values.map((value) => (value instanceof Uint8Array ? [...value] : value)));
    return answer();
  };
  const { exports, instances } = await link(glue, generated, {
    [`pinion:hook/${face}`]: { [camel(name)]: host },
  });
  const ask = () => {
    try {
      return { value: exports.handle?.("pre-tool", "payload") };
    } catch (error) {
      return error instanceof Error ? { threw: error.constructor.name, message: error.message } : { threw: error };
    }
  };
  const first = ask();
  const second = ask();
  const memories = instances.flatMap(({ exports }) => {
    const { memory } = exports as { memory?: { buffer: ArrayBuffer } };
    return memory === undefined ? [] : [Buffer.from(memory.buffer).toString("latin1").replace(/\0+/g, "0")];
  });
  return { first, second, given, memories };
}

class Refused {
  readonly payload = "denied: no";
}
const ANSWERS: Readonly<Record<string, (ok: unknown) => unknown>> = {
  "an answer": (ok) => ok,
  "a refusal": () => {
    throw new Refused();
  },
  "an abort": () => {
    throw new Error("over");
  },
  "a value of another type": () => 42n,
};

describe.each(FUNCTIONS)("%s %s, as adapted and as generated", (...spec) => {
  let generated: Generated;
  beforeAll(async () => {
    generated = await generate(await buildWat(caller(spec)));
  });

  test.each(Object.keys(ANSWERS))("does the same with %s", async (kind) => {
    const answer = () => ANSWERS[kind]?.(spec[4]);
    const stock = await observed(generated.glue, generated, spec, answer);
    expect(await observed(adaptGlue(generated.glue), generated, spec, answer)).toEqual(stock);
    expect(stock.given.length).toBeGreaterThan(0);
  });

  test.each([
    ["traps", "(unreachable)"],
    ["answers an address out of bounds", "(i32.const -16)"],
    ["answers zero", "(i32.const 0)"],
  ])("does the same when realloc %s", async (_, realloc) => {
    // The first allocation is for the payload.
    const late = `(global.set $top (i32.add (global.get $top) (i32.const 8)))
      (if (i32.gt_u (global.get $top) (i32.const 65544)) (then (return ${realloc}))) (i32.const 65536)`;
    const guest = await generate(await buildWat(caller(spec, late)));
    const answer = () => ANSWERS["a refusal"]?.(undefined);
    const stock = await observed(guest.glue, guest, spec, answer);
    expect(await observed(adaptGlue(guest.glue), guest, spec, answer)).toEqual(stock);
  });
});

test.each([
  ["text out of bounds", "(i32.const 131071) (i32.const 2)"],
  ["text that wraps around", "(i32.const -1) (i32.const 2)"],
])("%s is refused as the generated code refuses it", async (_, text) => {
  const spec = ["files", "open-root", "i32 i32 i32", `${text} ${ANSWER}`, ""] as const;
  const generated = await generate(await buildWat(caller(spec)));
  const stock = await observed(generated.glue, generated, spec, () => "");
  expect(await observed(adaptGlue(generated.glue), generated, spec, () => "")).toEqual(stock);
  expect(stock).toMatchObject({ first: { threw: expect.any(String) }, given: [] });
});

test("`now` gives the same 64 bits, and what the host throws", async () => {
  const wat = watHook({
    imports: '(import "pinion:hook/host@1.0.0" "now" (func $now (result i64)))',
    handle: `(i64.store (i32.const 3000) (call $now)) (i32.const ${ALLOW})`,
  });
  const generated = await generate(await buildWat(wat));
  for (const answer of [() => 2n ** 64n - 1n, () => -1n, () => ANSWERS["an abort"]?.(0), () => "no number"]) {
    const stock = await observed(generated.glue, generated, ["host", "now"], answer);
    expect(await observed(adaptGlue(generated.glue), generated, ["host", "now"], answer)).toEqual(stock);
  }
});

test("a component that makes no hostcalls does the same, and needs nothing of what guards them", async () => {
  const generated = await generate(await buildWat(watHook({})));
  const stock = await observed(generated.glue, generated, ["host", "now"], () => 0n);
  expect(await observed(adaptGlue(generated.glue), generated, ["host", "now"], () => 0n)).toEqual(stock);
  expect(stock.first).toMatchObject({ value: { decision: "allow" } });
});

test("code that is not as expected is refused, whatever is missing", async () => {
  const { glue } = await generate(await buildWat(caller(FUNCTIONS[0] ?? ["", "", "", "", ""])));
  const changes = [
    ["const TEXT_DECODER_UTF8 = new TextDecoder();", "const TEXT_DECODER_UTF8 = new TextDecoder('utf-8');"],
    ["JCO_DEBUG", "JCO_TRACE"],
    ["const started = task.enterSync();", "const started = task.enter();"],
    ["fn: () => _trackHostOperation(() => emitEvent", "fn: () => _trackHostOperation(async () => emitEvent"],
    ["task.resolve([ret]);", "task.resolve(ret);"],
    ["realloc0 = exports1.cabi_realloc;", "realloc0 = bound(exports1.cabi_realloc);"],
    ["INSTANCE_FLAGS.get(componentIdx)?.value !== 1", "!INSTANCE_FLAGS.get(componentIdx)?.value"],
    ["_trampoline0.manuallyAsync ?", "_trampoline0.manuallyAsync === true ?"],
  ] as const;
  for (const [find, replace] of changes) {
    expect(glue).toContain(find);
    expect(() => adaptGlue(glue.replace(find, () => replace)), find).toThrow(
      /expected \d+ places in the generated code/,
    );
  }
  expect(() => adaptGlue(`${glue}\nimport "node:fs";`)).toThrow("imports something");
});

test.each(["const TEXT_DECODER_UTF8 = new TextDecoder();", "_trampoline0.fnName = ", "a\n  _trampoline0.fnName = 1"])(
  "a component that names its parts like the generated code is adapted all the same: %j",
  async (name) => {
    const text = caller(FUNCTIONS[0] ?? ["", "", "", "", ""]).replace(
      '(memory (export "memory") 2)',
      () => `(memory (export "memory") (export ${JSON.stringify(name)}) 2)`,
    );
    const { glue } = await generate(await buildWat(text));
    expect(adaptGlue(glue)).toContain("_whileLowering(exports");
  },
);
