import { componentWit } from "@bytecodealliance/jco-transpile/wasm-tools";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { readComponent } from "../../src/sandbox/inspect/component.ts";
import { inspect } from "../../src/sandbox/inspect/inspect.ts";
import { checkModule } from "../../src/sandbox/inspect/module.ts";
import { checkImports, IMPORTS, TRUSTED_IMPORTS, TRUSTED_WORLD } from "../../src/sandbox/inspect/world.ts";
import { Malformed } from "../../src/sandbox/wasm/reader.ts";
import { buildWat, watHook } from "../hazard/guests/wat.ts";
import { buildPuppet } from "../support/guests.ts";
import { mintingHook } from "../support/lab.ts";
import { runs, seed } from "../support/property.ts";

let puppet: Uint8Array;
let small: Uint8Array;
beforeAll(async () => {
  puppet = await buildPuppet();
  small = await buildWat(watHook({}));
});

/** What a component that a toolchain made for a world imports. */
function importsOf(component: Uint8Array): object {
  const found = [...readComponent(component).imports].flatMap(([name, extern]) =>
    extern.kind === "instance" ? [[name, Object.fromEntries(extern.exports)]] : [],
  );
  return Object.fromEntries(found);
}

test("the worlds that are checked are those in wit/hook.wit", async () => {
  expect(importsOf(puppet)).toEqual(IMPORTS);
  const { component } = await mintingHook("", { phases: [] });
  expect(importsOf(component)).toEqual(TRUSTED_IMPORTS);
  expect(await inspect(component, componentWit)).toMatchObject({ world: TRUSTED_WORLD });
});

test("a JavaScript hook, with its leftover `init`, and a small one are of our world", async () => {
  await inspect(puppet, componentWit);
  await inspect(small, componentWit);
});

test("a component that was changed is found malformed or is still sound, and never breaks the reader", () => {
  const edit = fc.record({ at: fc.nat(small.length - 1), value: fc.integer({ min: 0, max: 255 }) });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.nat(small.length), (edits, length) => {
      const changed = Uint8Array.from(small);
      for (const { at, value } of edits) changed[at] = value;
      for (const bytes of [changed, changed.subarray(0, length)]) {
        try {
          const { imports, modules } = readComponent(bytes);
          checkImports(imports);
          modules.forEach(checkModule);
        } catch (error) {
          expect(error).toBeInstanceOf(Malformed);
        }
      }
    }),
    { seed, numRuns: runs(300, 30_000) },
  );
});
