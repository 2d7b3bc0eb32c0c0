import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect, test } from "vitest";
import { capModule } from "../../src/sandbox/host/cap.ts";
import { engine } from "../../src/sandbox/wasm/engine.ts";

const CAPS = { memoryPages: 10, tableEntries: 20 };

/** Grows by one until it is refused, and says how far it came. */
function grown(exported: unknown): number {
  const growing = exported as { grow(by: number): number };
  for (let size = 0; ; ) {
    try {
      size = growing.grow(1) + 1;
    } catch {
      return size;
    }
  }
}

test.each([
  ["nothing", "", 10, 20],
  ["more", "1000", 10, 20],
  ["less", "5", 5, 5],
])("memories and tables that declare %s as their maximum", async (_, most, pages, entries) => {
  const bytes = await parse(`(module (memory (export "m") 1 ${most}) (table (export "t") 1 ${most} funcref))`);
  const capped = capModule(bytes, CAPS);
  expect(capped).toMatchObject({ memories: 1, tables: 1 });
  const { exports } = new engine.Instance(new engine.Module(Uint8Array.from(capped.bytes)), {});
  expect(grown(Reflect.get(exports, "m"))).toBe(pages);
  expect(grown(Reflect.get(exports, "t"))).toBe(entries);
});

test("what starts above the cap is refused", async () => {
  const memory = await parse("(module (memory 11))");
  expect(() => capModule(memory, CAPS)).toThrow("`memoryPages`: allowed 10, used 11");
  const table = await parse("(module (table 21 externref))");
  expect(() => capModule(table, CAPS)).toThrow("`tableEntries`: allowed 20, used 21");
});

test("the rest of a module stays as it is", async () => {
  const bytes = await parse('(module (func (export "f") (result i32) (i32.const 7)) (data "x") (@custom "c" "y"))');
  expect(Buffer.from(capModule(bytes, CAPS).bytes)).toEqual(Buffer.from(bytes));
});
