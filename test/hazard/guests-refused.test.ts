import { componentEmbed, componentNew, componentWit, parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HookHost, HookHosts } from "../../src/model/hook.ts";
import { inspect } from "../../src/sandbox/inspect/inspect.ts";
import { Malformed } from "../../src/sandbox/wasm/reader.ts";
import { load, testHosts } from "../support/guests.ts";
import { buildWat, leb, section, watHook, withModule } from "./guests/wat.ts";

let hosts: HookHosts;
let host: HookHost;
let good: Uint8Array;
beforeAll(async () => {
  hosts = testHosts();
  host = await hosts.open({ deadlines: true });
  good = await buildWat(watHook({}));
});
afterAll(() => hosts.close());

/** Why the component is refused. Nothing of it was made or run by then: this is what happens before. */
async function refused(bytes: Uint8Array): Promise<string> {
  const refusal = await inspect(bytes, componentWit).catch((error: unknown) => error);
  if (!(refusal instanceof Malformed)) throw new Error(`expected a refusal, found ${refusal}`);
  return refusal.message;
}

const module = (fields: string) => parse(`(module ${fields})`);
const bytes = (...parts: (number | Uint8Array | readonly number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.from([part]) : Buffer.from(part))));
const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

test("the component that the others are made of is fine", async () => {
  expect(await load(host, good, { name: "good" })).toMatchObject({ ok: true });
});

test("a refused component is not loaded, its fault is said, and the host goes on", async () => {
  const bomb = withModule(good, await module("(memory i64 1)"));
  const detail = "the component is no `pinion:hook/hook@1.0.0`: core module 1 uses memory64";
  expect(await load(host, bomb, { name: "refused" })).toMatchObject({ ok: false, cause: "malformed", detail });
  expect(host.alive).toBe(true);
});

describe("R8 compile bombs", () => {
  /** A module of one function with this body. */
  const oneFunction = (body: Uint8Array) =>
    bytes(
      HEADER,
      section(1, bytes(1, 0x60, 0, 0)),
      section(3, bytes(1, 0)),
      section(10, bytes(1, leb(body.length), body)),
    );

  test.each([
    [1_000_000, "core module 1 has 3000002 bytes of code in function 0, allowed 2097152"],
    [600_000, "nests blocks more than 5000 levels deep"],
  ])("R8 %i nested blocks", async (nested, detail) => {
    const body = bytes(0, Buffer.alloc(nested * 2, Buffer.from([0x02, 0x40])), Buffer.alloc(nested + 1, 0x0b));
    expect(await refused(withModule(good, oneFunction(body)))).toMatch(detail);
  });

  test("R8 a function of more than 2 MiB", async () => {
    const body = bytes(0, Buffer.alloc(2 * 1024 * 1024, 0x01), 0x0b);
    expect(await refused(withModule(good, oneFunction(body)))).toMatch(
      "core module 1 has 2097154 bytes of code in function 0, allowed 2097152",
    );
  });

  /** `leb` of the tests shifts 32-bit numbers with their sign. */
  const FOUR_BILLION = [0xff, 0xff, 0xff, 0xff, 0x0f];
  test.each([
    ["four billion locals in six bytes", bytes(1, FOUR_BILLION, 0x7f, 0x0b), 4_294_967_295],
    ["locals whose sum has more than 32 bits", bytes(2, FOUR_BILLION, 0x7f, FOUR_BILLION, 0x7e, 0x0b), 4_294_967_295],
    ["one local too many, in two groups", bytes(2, leb(10_000), 0x7f, 1, 0x7e, 0x0b), 10_001],
  ])("R8 %s", async (_, body, found) => {
    expect(await refused(withModule(good, oneFunction(body)))).toMatch(
      `core module 1 has ${found} locals in function 0, allowed 10000`,
    );
  });

  test("R8 as many locals as are allowed", async () => {
    await inspect(withModule(good, oneFunction(bytes(1, leb(10_000), 0x7f, 0x0b))), componentWit);
  });

  test.each([
    ["types", 1, [0x60, 0, 0]],
    ["globals", 6, [0x7f, 0, 0x41, 0, 0x0b]],
    ["element segments", 9, [1, 0, 0]],
    ["data segments", 11, [1, 0]],
  ])("R8 20,000 %s", async (what, id, item) => {
    const many = section(id, bytes(leb(20_000), Buffer.alloc(20_000 * item.length, Buffer.from(item))));
    expect(await refused(withModule(good, bytes(HEADER, many)))).toMatch(
      `core module 1 has 20000 ${what}, allowed 10000`,
    );
  });

  test("R8 a million functions", async () => {
    const count = 1_000_000;
    const bomb = bytes(
      HEADER,
      section(1, bytes(1, 0x60, 0, 0)),
      section(3, bytes(leb(count), Buffer.alloc(count))),
      section(10, bytes(leb(count), Buffer.alloc(count * 3, Buffer.from([2, 0, 0x0b])))),
    );
    expect(await refused(withModule(good, bomb))).toMatch(/has 1000000 functions, allowed 100000|is not valid/);
  });

  test("R8 20,000 imports", async () => {
    const imports = Array.from({ length: 20_000 }, (_, n) => `(import "a" "f${n}" (func))`).join("");
    expect(await refused(withModule(good, await module(imports)))).toMatch("has 20000 imports, allowed 10000");
  });

  test("R8 a thousand core modules", async () => {
    const empty = section(1, Buffer.from(HEADER));
    expect(await refused(bytes(good, ...Array<Uint8Array>(1000).fill(empty)))).toMatch("more than 64 core modules");
  });

  test("R8 components nested a hundred levels deep", async () => {
    let nested: Uint8Array = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]);
    for (let level = 0; level < 100; level += 1) nested = bytes(nested.subarray(0, 8), section(4, nested));
    expect(await refused(bytes(good, section(4, nested)))).toMatch("nested more than 8 levels deep");
  });

  /** Components of which each is made of two of the one before. */
  const doubling = (levels: number) => {
    const inner = (level: number): string =>
      level === 0
        ? "(core module $m) (core instance (instantiate $m))"
        : `(component $c ${inner(level - 1)}) (instance (instantiate $c)) (instance (instantiate $c))`;
    return parse(`(component ${inner(levels)})`);
  };

  test("R8 components that double with every level", async () => {
    const bomb = bytes(good, section(4, await doubling(6)), section(4, await doubling(6)));
    const twice = section(5, bytes(2, [0, 0, 0], [0, 1, 0]));
    expect(await load(host, bytes(good, section(4, await doubling(2))), { name: "few" })).toMatchObject({ ok: true });
    expect(await refused(bytes(bomb, twice))).toMatch("is made of more than 256 instances");
  });

  test("R8 components that double by passing each other on", async () => {
    const passed = await parse("(component $top (component $a) (component (alias outer $top $a (component $b))))");
    expect(await refused(bytes(good, section(4, passed)))).toMatch("passes a component on");
  });

  test("R8 types that double with every level", async () => {
    const tuple = (level: number) =>
      bytes(0x6f, 2, level === 0 ? [0x73, 0x73] : [...leb(level - 1), ...leb(level - 1)]);
    const types = bytes(40, ...Array.from({ length: 40 }, (_, level) => tuple(level)));
    const bomb = bytes(good.subarray(0, 8), section(7, types), good.subarray(8));
    expect(await refused(bomb)).toMatch("a type of more than 4096 characters");
  });

  test("R8 17 MB", async () => {
    const padding = section(0, bytes(leb(1), [0x78], Buffer.alloc(17 * 1024 * 1024)));
    expect(await refused(bytes(good, padding))).toMatch("allowed 16777216");
  });
});

test.each([
  [
    "a table of a million entries",
    "(table 1000000 funcref)",
    "has 1000000 entries in a table from the start, allowed 100000",
  ],
  ["a table of externref", "(table 100001 externref)", "has 100001 entries in a table from the start, allowed 100000"],
  ["a thousand tables", "(table 1 funcref)".repeat(1000), "has 1000 tables, allowed 16"],
  ["tables that are imported", '(import "a" "b" (table 1 funcref))'.repeat(17), "has 17 tables, allowed 16"],
])("R4 %s", async (_, fields, detail) => {
  expect(await refused(withModule(good, await module(fields)))).toMatch(`core module 1 ${detail}`);
});

test("R3 a memory that starts with 4 GiB", async () => {
  expect(await refused(withModule(good, await module("(memory 65536)")))).toMatch(
    "core module 1 has 65536 pages of memory from the start, allowed 8192",
  );
});

test.each([
  ["its fuel", '(import "pinion:meter" "fuel" (global (mut i64)))'],
  ["a function of it", '(import "pinion:meter" "more" (func))'],
])("R25 a core module that reaches for the meter by importing %s", async (_, imports) => {
  expect(await refused(withModule(good, await module(imports)))).toBe(
    "core module 1 imports from `pinion:meter`, which is kept for the meter",
  );
});

test("R9 thousands of memories", async () => {
  expect(await refused(withModule(good, await module("(memory 1)".repeat(5000))))).toMatch(
    /several memories|is not valid/,
  );
});

test.each([
  ["shared memory", "(memory 1 1 shared)", "threads"],
  ["atomic instructions", "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))", "threads"],
  ["memory64", "(memory i64 1)", "memory64"],
  ["two memories", "(memory 1) (memory 1)", "several memories"],
  ["an exception tag", "(tag)", "exceptions"],
  ["try_table", "(func (block $out (try_table (catch_all $out))))", "exceptions"],
  ["a struct", "(type (struct (field i32)))", "garbage collection"],
  ["an i31", "(func (drop (ref.i31 (i32.const 0))))", "garbage collection"],
  ["relaxed SIMD", "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))", "relaxed SIMD"],
  ["a tail call", "(func $f (return_call $f))", "tail calls"],
  ["a typed function reference", "(type $t (func)) (func (param (ref null $t)))", "not in WebAssembly 2.0"],
])("R20 a core module with %s", async (_, fields, feature) => {
  expect(await refused(withModule(good, await module(fields)))).toMatch(feature);
});

test("R10 swallowing the host's abort needs exceptions, which are refused", async () => {
  const legacy = bytes(
    HEADER,
    section(1, bytes(1, 0x60, 0, 0)),
    section(3, bytes(1, 0)),
    section(10, bytes(1, 6, 0, 0x06, 0x40, 0x19, 0x0b, 0x0b)), // try … catch_all end
  );
  expect(await refused(withModule(good, legacy))).toMatch("exceptions");
});

test.each(["wasi:sockets/tcp@0.2.0", "wasi:http/outgoing-handler@0.2.0", "wasi:cli/environment@0.2.0"])(
  "R23 a component that imports %s",
  async (name) => {
    const text = `(component (import "${name}" (instance (export "f" (func)))))`;
    expect(await refused(await parse(text))).toMatch(`imports \`${name}\`, expected only`);
  },
);

test.each([
  [
    "a newer version of an interface",
    '(import "pinion:hook/host@1.1.0" (instance (export "now" (func (result u64)))))',
    "imports `pinion:hook/host@1.1.0`, expected only",
  ],
  [
    "a function that we do not have",
    '(import "pinion:hook/host@1.0.0" (instance (export "exec" (func))))',
    "imports `exec` of `pinion:hook/host@1.0.0`, which has no such item",
  ],
  [
    "a function of another type",
    '(import "pinion:hook/host@1.0.0" (instance (export "now" (func (result string)))))',
    "imports `now` of `pinion:hook/host@1.0.0` as `func() -> string`, expected `func() -> u64`",
  ],
  ["a function by itself", '(import "now" (func (result u64)))', "imports `now`, expected only"],
  ["a name that every object has", '(import "constructor" (instance))', "imports `constructor`, expected only"],
])("R23 a component that imports %s", async (_, imports, detail) => {
  expect(await refused(await parse(`(component ${imports})`))).toContain(detail);
});

/** A component for another world, whose handlers have the core types that ours have. */
async function otherWorld(world: string, core = ""): Promise<Uint8Array> {
  const witSource = `package test:other; world other { ${world} }`;
  const fields = `(memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0)) ${core}`;
  return componentNew(await componentEmbed({ binary: await module(fields), witSource, world: "other" }));
}
const CONFIGURE = '(func (export "configure") (param i32 i32) (result i32) (i32.const 0))';
const HANDLE = '(func (export "handle") (param i32 i32) (result i32) (i32.const 0))';

test.each([
  ["nothing", "", "", "exports no `configure`"],
  ["too little", "export configure: func(config: string) -> result<_, string>;", CONFIGURE, "exports no `handle`"],
  [
    "something else",
    "export configure: func(config: string) -> result<_, string>; export run: func();",
    `${CONFIGURE} (func (export "run"))`,
    "exports `run`",
  ],
  [
    "a handler of another type",
    "export configure: func(config: string) -> result<_, string>; export handle: func(payload: string) -> string;",
    `${CONFIGURE} ${HANDLE}`,
    "exports `handle` as `func(payload: string) -> string`, expected `func(phase: phase, payload: string)",
  ],
  [
    "an `init` of another type",
    "export configure: func(config: string) -> result<_, string>; export handle: func(payload: string) -> string; export init: func();",
    `${CONFIGURE} ${HANDLE} (func (export "init"))`,
    "expected `func(",
  ],
])("R24 a component that exports %s", async (_, world, core, detail) => {
  expect(await refused(await otherWorld(world, core))).toContain(detail);
});

test("R24 a core module, text, nothing", async () => {
  expect(await refused(await module(""))).toContain("found a core module, expected a component");
  expect(await refused(Buffer.from("#!/bin/sh"))).toContain("found bytes that are no WebAssembly");
  expect(await refused(new Uint8Array())).toContain("found bytes that are no WebAssembly");
});

test("R25 an invalid core module is found before anything rewrites it", async () => {
  expect(await refused(withModule(good, await module("(func (result i32))")))).toMatch("core module 1 is not valid");
});

test("R25 names that could leave a string of the generated code", async () => {
  for (const name of ["'];process.exit()//", "`${0}`", "a\\nb", "a\\\\", '\\"']) {
    expect(await refused(withModule(good, await module(`(func (export "${name}"))`)))).toMatch("no toolchain writes");
  }
});
