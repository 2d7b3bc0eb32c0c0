import { componentEmbed, componentNew, parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import type { Hostile } from "./hostile.ts";
import { buildWat, leb, section, watHook, withModule } from "./wat.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const COMPONENT = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

type Parts = readonly (number | Uint8Array | readonly number[])[];

export function bytes(...parts: Parts): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.from([part]) : Buffer.from(part))));
}

const good = () => buildWat(watHook({}));
const refusal = (name: string, says: RegExp, component: () => Promise<Uint8Array>): Hostile => ({
  name,
  component,
  cause: "malformed",
  says: new RegExp(`^the component is no \`pinion:hook/hook@1\\.0\\.0\`: .*(?:${says.source})`, "s"),
});

/** A hook behind which stands one more core module, in text. */
const beside = (name: string, fields: string, says: RegExp): Hostile =>
  refusal(name, says, async () => withModule(await good(), await parse(`(module ${fields})`)));

/** The same, in bytes. */
const besideBytes = (name: string, says: RegExp, ...parts: Parts): Hostile =>
  refusal(name, says, async () => withModule(await good(), bytes(HEADER, ...parts)));

const NO_TYPE = section(1, bytes(1, 0x60, 0, 0));
const body = (...code: Parts) => {
  const content = bytes(0, ...code, 0x0b);
  return section(10, bytes(1, leb(content.length), content));
};
const ONE_FUNCTION = [NO_TYPE, section(3, bytes(1, 0))];
const MILLION = 1_000_000;

/** A component whose world is another. */
const world = (name: string, text: string, core: string, says: RegExp): Hostile =>
  refusal(name, says, async () => {
    const fields = `(memory (export "memory") 1)
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0)) ${core}`;
    const binary = await parse(`(module ${fields})`);
    const witSource = `package test:other; world other { ${text} }`;
    return componentNew(await componentEmbed({ binary, witSource, world: "other" }));
  });

/** A component that imports this and does nothing. */
const importing = (name: string, imports: string, says: RegExp): Hostile =>
  refusal(name, says, () => parse(`(component ${imports})`));

async function nested(levels: number): Promise<Uint8Array> {
  let inner: Uint8Array = bytes(COMPONENT);
  for (let level = 0; level < levels; level += 1) inner = bytes(COMPONENT, section(4, inner));
  return bytes(await good(), section(4, inner));
}

const CONFIGURE = '(func (export "configure") (param i32 i32) (result i32) (i32.const 0))';
const HANDLE = '(func (export "handle") (param i32 i32) (result i32) (i32.const 0))';
const CONFIGURES = "export configure: func(config: string) -> result<_, string>;";

/** What inspection refuses before anything of it is made or run. */
export const REFUSED: readonly Hostile[] = [
  besideBytes(
    "R8 a million nested blocks",
    /bytes of code in function 0/,
    ...ONE_FUNCTION,
    body(Buffer.alloc(MILLION * 2, Buffer.from([0x02, 0x40])), Buffer.alloc(MILLION, 0x0b)),
  ),
  besideBytes(
    "R8 a hundred thousand nested blocks",
    /nest/,
    ...ONE_FUNCTION,
    body(Buffer.alloc(200_000, Buffer.from([0x02, 0x40])), Buffer.alloc(100_000, 0x0b)),
  ),
  besideBytes(
    "R8 a million functions",
    /functions|is not valid/,
    NO_TYPE,
    section(3, bytes(leb(MILLION), Buffer.alloc(MILLION))),
    section(10, bytes(leb(MILLION), Buffer.alloc(MILLION * 3, Buffer.from([2, 0, 0x0b])))),
  ),
  beside(
    "R8 20,000 imports",
    Array.from({ length: 20_000 }, (_, n) => `(import "a" "f${n}" (func))`).join(""),
    /imports/,
  ),
  refusal("R8 a thousand core modules", /more than 64 core modules/, async () =>
    bytes(await good(), ...Array<Uint8Array>(1000).fill(section(1, Buffer.from(HEADER)))),
  ),
  refusal("R8 components nested a hundred levels deep", /nested more than 8 levels/, () => nested(100)),
  refusal("R8 components nested ten thousand levels deep", /nested more than 8 levels|ends in the middle/, () =>
    nested(10_000),
  ),
  refusal("R8 17 MB", /allowed 16777216/, async () =>
    bytes(await good(), section(0, bytes(1, 0x78, Buffer.alloc(17 * 1024 * 1024)))),
  ),
  beside("R9 thousands of memories", "(memory 1)".repeat(5000), /several memories|is not valid/),
  besideBytes("R10 swallowing the host's abort in Wasm", /exceptions/, ...ONE_FUNCTION, body(0x06, 0x40, 0x19, 0x0b)),
  beside(
    "R11 swallowing a stack overflow in Wasm",
    "(func $f (block $out (try_table (catch_all $out) (call $f))))",
    /exceptions/,
  ),
  beside("R20 shared memory", "(memory 1 1 shared)", /threads/),
  beside("R20 atomic instructions", "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))", /threads/),
  beside("R20 memory64", "(memory i64 1)", /memory64/),
  beside("R20 garbage collection", "(type (struct (field i32)))", /garbage collection/),
  beside("R20 an exception tag", "(tag)", /exceptions/),
  beside("R20 a tail call", "(func $f (return_call $f))", /tail calls/),
  beside(
    "R20 relaxed SIMD",
    "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))",
    /relaxed SIMD/,
  ),
  importing("R23 sockets", '(import "wasi:sockets/tcp@0.2.0" (instance (export "f" (func))))', /imports `wasi:sockets/),
  importing(
    "R23 HTTP",
    '(import "wasi:http/outgoing-handler@0.2.0" (instance (export "f" (func))))',
    /imports `wasi:http/,
  ),
  importing(
    "R23 the environment",
    '(import "wasi:cli/environment@0.2.0" (instance (export "f" (func))))',
    /imports `wasi:cli/,
  ),
  importing(
    "R23 a function that the host does not have",
    '(import "pinion:hook/host@1.0.0" (instance (export "exec" (func))))',
    /imports `exec`/,
  ),
  beside("R23 the meter", '(import "pinion:meter" "fuel" (global (mut i64)))', /meter/),
  world("R24 nothing exported", "", "", /exports no `configure`/),
  world("R24 too little exported", CONFIGURES, CONFIGURE, /exports no `handle`/),
  world(
    "R24 something else exported",
    `${CONFIGURES} export run: func();`,
    `${CONFIGURE} (func (export "run"))`,
    /exports `run`/,
  ),
  world(
    "R24 a handler of another type",
    `${CONFIGURES} export handle: func(payload: string) -> string;`,
    `${CONFIGURE} ${HANDLE}`,
    /exports `handle` as/,
  ),
  refusal("R24 a core module", /found a core module, expected a component/, () => parse("(module)")),
  refusal("R24 a script", /found bytes that are no WebAssembly/, async () => Buffer.from("#!/bin/sh\nrm -rf /")),
  refusal("R24 a component that was cut", /ends in the middle/, async () => (await good()).subarray(0, -10)),
  beside("R25 an invalid core module", "(func (result i32))", /is not valid/),
  // Locals that instrumentation would add: this function reads one that it does not have.
  besideBytes(
    "R25 a local that only instrumentation would bring",
    /is not valid/,
    ...ONE_FUNCTION,
    body(0x20, 0, 0x1a),
  ),
  // A global that instrumentation would import.
  besideBytes(
    "R25 a global that only instrumentation would bring",
    /is not valid/,
    ...ONE_FUNCTION,
    body(0x23, 0, 0x1a),
  ),
  beside(
    "R25 names that leave a string of the generated code",
    `(func (export "'];process.exit()//"))`,
    /no toolchain writes/,
  ),
];
