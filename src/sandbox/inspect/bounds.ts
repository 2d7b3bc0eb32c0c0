import { Malformed, type Reader, sections } from "../wasm/reader.ts";

/** What a section may hold at most: more than any toolchain makes of a hook, and far less than what hurts an engine. */
const MOST: Readonly<Record<number, readonly [allowed: number, what: string]>> = {
  1: [10_000, "types"],
  2: [10_000, "imports"],
  3: [100_000, "functions"],
  4: [16, "tables"],
  6: [10_000, "globals"],
  7: [10_000, "exports"],
  9: [10_000, "element segments"],
  11: [10_000, "data segments"],
};
const CODE = 10;

/** Of one function: its locals and its instructions, in bytes. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;
/** Of one function, without its parameters. */
const MAX_LOCALS = 10_000;

/**
 * Counts what a core module declares, before anything that could make room for it reads it: a few bytes can declare four
 * billion locals. The module need not be valid. Throws `Malformed`.
 */
export function checkBounds(bytes: Uint8Array): void {
  sections(bytes, (id, content) => {
    const bound = MOST[id];
    if (bound !== undefined) atMost(content.u32(), ...bound);
    if (id === CODE) content.each((index) => checkBody(content.sub(content.u32()), index));
  });
}

export function atMost(found: number, allowed: number, what: string): void {
  if (found > allowed) throw new Malformed(`has ${found} ${what}, allowed ${allowed}`);
}

/** `index` counts the functions that the module defines, from 0. */
function checkBody(body: Reader, index: number): void {
  atMost(body.bytes().length, MAX_BODY_BYTES, `bytes of code in function ${index}`);
  let locals = 0;
  body.each(() => {
    locals += body.u32();
    atMost(locals, MAX_LOCALS, `locals in function ${index}`);
    body.byte();
  });
}
