import { readFile } from "node:fs/promises";
import { componentEmbed, componentNew, parse } from "@bytecodealliance/jco-transpile/wasm-tools";

/** The parts of a hook in WebAssembly text; what is left out behaves. */
export interface WatHook {
  /** Imports and other fields that must come first. */
  readonly imports?: string;
  readonly memory?: string;
  /** Functions, tables, a start function. */
  readonly fields?: string;
  readonly realloc?: string;
  readonly configure?: string;
  /** Leaves the address of the result: 1024 is `allow`, with the rationale `fine`. */
  readonly handle?: string;
  readonly post?: string;
}

export const ALLOW = 1024;
const CONFIGURED = 1000;

export function watHook(parts: WatHook): string {
  return `(module
  ${parts.imports ?? ""}
  ${parts.memory ?? '(memory (export "memory") 2)'}
  ${parts.fields ?? ""}
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) ${parts.realloc ?? "(i32.const 65536)"})
  (func (export "configure") (param i32 i32) (result i32) ${parts.configure ?? `(i32.const ${CONFIGURED})`})
  (func (export "handle") (param i32 i32 i32) (result i32) ${parts.handle ?? `(i32.const ${ALLOW})`})
  (func (export "cabi_post_handle") (param i32) ${parts.post ?? ""})
  ${verdict(ALLOW, { decision: 0, address: 1100, length: 4 })}
  (data (i32.const 1100) "fine"))`;
}

/** The bytes of a verdict in memory: no payload unless one is given. */
export function verdict(
  at: number,
  parts: { readonly tag?: number; readonly decision?: number; readonly address: number; readonly length: number },
): string {
  const words = [parts.tag ?? 0, parts.decision ?? 0, parts.address, parts.length, 0];
  return `(data (i32.const ${at}) "${words.map(word).join("")}")`;
}

function word(value: number): string {
  const bytes = [value, value >>> 8, value >>> 16, value >>> 24];
  return bytes.map((byte) => `\\${(byte & 0xff).toString(16).padStart(2, "0")}`).join("");
}

/** A component for our world around a core module in text. */
export async function buildWat(text: string): Promise<Uint8Array> {
  const witSource = await readFile(new URL("../../../wit/hook.wit", import.meta.url), "utf8");
  return componentNew(await componentEmbed({ binary: await parse(text), witSource, world: "hook" }));
}

/** Puts one more core module, which nothing uses, behind a component. */
export function withModule(component: Uint8Array, module: Uint8Array): Uint8Array {
  return Buffer.concat([component, section(1, module)]);
}

/** Puts a core module behind a component of one core module, and instances of it, which need nothing and which nobody uses. */
export async function withInstances(component: Uint8Array, fields: string, count: number): Promise<Uint8Array> {
  const made = Array.from({ length: count }, () => [0x00, 0x01, 0x00]).flat();
  return Buffer.concat([
    withModule(component, await parse(`(module ${fields})`)),
    section(2, Buffer.from([count, ...made])),
  ]);
}

export function section(id: number, content: Uint8Array): Uint8Array {
  return Buffer.from([id, ...leb(content.length), ...content]);
}

export function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}
