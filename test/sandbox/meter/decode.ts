import { type Reader, sections } from "../../../src/sandbox/wasm/reader.ts";

/** One instruction of a function's body. */
export interface Instruction {
  readonly code: number;
  /** What follows the prefixes 0xfc and 0xfd. */
  readonly sub: number;
  readonly bytes: Uint8Array;
}

export interface Body {
  /** The vector of local declarations, without its count. */
  readonly locals: Uint8Array;
  readonly localGroups: number;
  /** How many locals there are, without parameters. */
  readonly localCount: number;
  /** Up to and with the last `end`. */
  readonly instructions: readonly Instruction[];
}

/** As much of a valid module as the naive instrumenter needs. */
export interface Decoded {
  readonly sections: readonly { readonly id: number; readonly content: Uint8Array }[];
  /** Parameters of each function type. */
  readonly parameters: readonly number[];
  readonly importedGlobals: number;
  readonly globals: number;
  /** Type of each function that is defined here. */
  readonly functions: readonly number[];
  readonly bodies: readonly Body[];
}

export function decode(module: Uint8Array): Decoded {
  const found: { id: number; content: Uint8Array }[] = [];
  const parameters: number[] = [];
  const functions: number[] = [];
  const bodies: Body[] = [];
  let importedGlobals = 0;
  let globals = 0;
  sections(module, (id, content) => {
    found.push({ id, content: content.bytes() });
    if (id === 1) content.each(() => parameters.push(functionType(content)));
    else if (id === 2) {
      content.each(() => {
        if (imported(content) === 3) importedGlobals += 1;
      });
    } else if (id === 3) content.each(() => functions.push(content.u32()));
    else if (id === 6) globals = content.u32();
    else if (id === 10) content.each(() => bodies.push(body(content.sub(content.u32()))));
  });
  return { sections: found, parameters, importedGlobals, globals: importedGlobals + globals, functions, bodies };
}

function functionType(reader: Reader): number {
  reader.byte();
  const parameters = reader.each(() => reader.byte());
  reader.each(() => reader.byte());
  return parameters;
}

function imported(reader: Reader): number {
  reader.name();
  reader.name();
  const kind = reader.byte();
  if (kind === 0) reader.u32();
  else if (kind === 3) reader.skip(2);
  else {
    if (kind === 1) reader.byte();
    const bounded = reader.byte() === 1;
    reader.u32();
    if (bounded) reader.u32();
  }
  return kind;
}

function body(reader: Reader): Body {
  let localCount = 0;
  const all = reader.bytes();
  const from = reader.at;
  const groups = reader.u32();
  const start = reader.at - from;
  for (let index = 0; index < groups; index += 1) {
    localCount += reader.u32();
    reader.byte();
  }
  const locals = all.subarray(start, reader.at - from);
  const instructions: Instruction[] = [];
  while (!reader.done) {
    const at = reader.at - from;
    const code = reader.byte();
    const sub = code === 0xfc || code === 0xfd ? reader.u32() : 0;
    immediates(code, sub, reader);
    instructions.push({ code, sub, bytes: all.subarray(at, reader.at - from) });
  }
  return { locals, localGroups: groups, localCount, instructions };
}

/** Core specification §5.4. */
function immediates(code: number, sub: number, reader: Reader): void {
  if (code >= 0x02 && code <= 0x04) reader.leb(33);
  else if (INDEX.has(code)) reader.u32();
  else if (code === 0x0e) {
    reader.each(() => reader.u32());
    reader.u32();
  } else if (code === 0x11) {
    reader.u32();
    reader.u32();
  } else if (code === 0x1c) reader.each(() => reader.byte());
  else if (code >= 0x28 && code <= 0x3e) memoryArgument(reader);
  else if (code === 0x41) reader.leb(32);
  else if (code === 0x42) reader.leb(64);
  else if (code === 0x43) reader.skip(4);
  else if (code === 0x44) reader.skip(8);
  else if (code === 0xd0) reader.byte();
  else if (code === 0xfc) {
    for (let left = BULK_INDICES[sub] ?? 0; left > 0; left -= 1) reader.u32();
  } else if (code === 0xfd) simdImmediates(sub, reader);
}

/** br, br_if, call, locals and globals and tables, memory.size and .grow, ref.func */
const INDEX = new Set([0x0c, 0x0d, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x3f, 0x40, 0xd2]);
const BULK_INDICES: Readonly<Record<number, number>> = {
  8: 2,
  9: 1,
  10: 2,
  11: 1,
  12: 2,
  13: 1,
  14: 2,
  15: 1,
  16: 1,
  17: 1,
};

function simdImmediates(sub: number, reader: Reader): void {
  const lane = sub >= 0x54 && sub <= 0x5b;
  if (sub <= 0x0b || lane || sub === 0x5c || sub === 0x5d) memoryArgument(reader);
  if (lane || (sub >= 0x15 && sub <= 0x22)) reader.byte();
  if (sub === 0x0c || sub === 0x0d) reader.skip(16);
}

function memoryArgument(reader: Reader): void {
  reader.u32();
  reader.u32();
}
