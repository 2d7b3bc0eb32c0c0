import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { beforeAll, expect, test } from "vitest";
import { asInspection, inspectComponent } from "../../src/sandbox/inspection.ts";
import { buildWat, watHook, withModule } from "../hazard/guests/wat.ts";
import { buildPuppet } from "../support/guests.ts";

const { signal } = new AbortController();
const look = (bytes: Uint8Array) => inspectComponent(process.execPath, bytes, signal);

let small: Uint8Array;
beforeAll(async () => {
  small = await buildWat(
    watHook({
      imports: '(import "pinion:hook/host@1.0.0" "now" (func $now (result i64)))',
      memory: '(memory (export "memory") 2 17)',
      fields: "(table 3 5 funcref)",
      handle: "(drop (call $now)) (i32.const 1024)",
    }),
  );
});

test("a component is looked at in another process, and its hostcalls, exports and sizes are said", async () => {
  const found = await look(small);
  expect(found).toMatchObject({
    ok: true,
    facts: {
      world: "pinion:hook/hook@1.0.0",
      imports: [{ interface: "pinion:hook/host@1.0.0", functions: ["now"] }],
      exports: ["configure", "handle"],
    },
  });
  const [main] = found.ok ? found.facts.modules : [];
  expect(main).toMatchObject({
    functions: 4,
    memory: { initial: 2, maximum: 17 },
    tables: [{ initial: 3, maximum: 5 }],
  });
  expect(main?.codeBytes).toBeGreaterThan(10);
});

test("a JavaScript hook can reach every hostcall", async () => {
  const found = await look(await buildPuppet());
  const functions = found.ok ? found.facts.imports.flatMap((one) => one.functions) : [];
  expect(functions).toHaveLength(18);
});

test("what is wrong with a component is said, and nothing else of it", async () => {
  expect(await look(withModule(small, await parse("(module (memory i64 1))")))).toEqual({
    ok: false,
    detail: "core module 1 uses memory64",
  });
  expect(await look(Buffer.from("text"))).toMatchObject({ ok: false, detail: expect.stringContaining("expected a") });
});

test.each([
  ["nothing", undefined],
  ["no facts", { ok: true }],
  [
    "a count that is none",
    { ok: true, facts: facts({ modules: [{ bytes: -1, functions: 0, codeBytes: 0, tables: [] }] }) },
  ],
  ["a memory that is none", { ok: true, facts: facts({ modules: [{ ...plain(), memory: "much" }] }) }],
  ["exports that are no names", { ok: true, facts: facts({ exports: [1] }) }],
  ["imports that are no list", { ok: true, facts: facts({ imports: {} }) }],
  ["a refusal without a reason", { ok: false }],
])("a process that says %s is not believed", (_, head) => {
  expect(asInspection(head)).toBeUndefined();
});

test("a process that says what it should is believed", () => {
  const said = { ok: true, facts: facts({ modules: [plain()] }) };
  expect(asInspection(said)).toEqual(said);
});

function facts(changes: object): object {
  return { world: "w", imports: [], exports: ["handle"], modules: [], ...changes };
}

function plain() {
  return { bytes: 1, functions: 0, codeBytes: 0, memory: { initial: 1 }, tables: [{ initial: 1, maximum: 2 }] };
}
