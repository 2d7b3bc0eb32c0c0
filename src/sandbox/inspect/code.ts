import { Malformed, type Reader } from "../wasm/reader.ts";

/** Labels that may be open at once: far more than compilers nest, far less than what hurts them. */
const MAX_NESTING = 5000;

/** What follows an opcode. */
type Immediate = keyof typeof IMMEDIATES;

const ONE_BYTE: (Immediate | undefined)[] = [];
const range = (from: number, to: number, immediate: Immediate) => {
  for (let code = from; code <= to; code += 1) ONE_BYTE[code] = immediate;
};
range(0x00, 0x01, "none"); // unreachable, nop
range(0x02, 0x04, "block"); // block, loop, if
range(0x05, 0x05, "none"); // else
range(0x0b, 0x0b, "none"); // end
range(0x0c, 0x0d, "index"); // br, br_if
range(0x0f, 0x0f, "none"); // return
range(0x10, 0x10, "index"); // call
range(0x11, 0x11, "two indices"); // call_indirect
range(0x1a, 0x1b, "none"); // drop, select
range(0x20, 0x26, "index"); // locals, globals, table.get, table.set
range(0x28, 0x3e, "memory"); // loads and stores
range(0x3f, 0x40, "index"); // memory.size, memory.grow
ONE_BYTE[0x41] = "i32";
ONE_BYTE[0x42] = "i64";
ONE_BYTE[0x43] = "f32";
ONE_BYTE[0x44] = "f64";
range(0x45, 0xc4, "none"); // numeric, with sign extension
range(0xd1, 0xd1, "none"); // ref.is_null
range(0xd2, 0xd2, "index"); // ref.func

/** 0xfc: saturating conversions, bulk memory and tables. */
const BULK: readonly Immediate[] = [
  ...Array<Immediate>(8).fill("none"),
  "two indices", // memory.init
  "index", // data.drop
  "two indices", // memory.copy
  "index", // memory.fill
  "two indices", // table.init
  "index", // elem.drop
  "two indices", // table.copy
  "index", // table.grow
  "index", // table.size
  "index", // table.fill
];

/**
 * Walks one function body (core specification §5.4) of a module that was found valid, and refuses every instruction that
 * WebAssembly 2.0 does not have. Throws `Malformed`.
 */
export function walkBody(reader: Reader): void {
  reader.each(() => {
    reader.u32();
    valueType(reader);
  });
  walkExpression(reader);
}

/** Walks instructions up to the `end` of their block. */
export function walkExpression(reader: Reader): void {
  let depth = 1;
  while (depth > 0) {
    const code = reader.byte();
    if (code === 0x0b) depth -= 1;
    else if (code >= 0x02 && code <= 0x04) depth += 1;
    if (depth > MAX_NESTING) throw new Malformed(`nests blocks more than ${MAX_NESTING} levels deep`);
    instruction(code, reader);
  }
}

export function valueType(reader: Reader): void {
  const type = reader.byte();
  const known = (type >= 0x7b && type <= 0x7f) || type === 0x70 || type === 0x6f;
  if (!known) throw new Malformed(`uses a type 0x${type.toString(16)} that is not in WebAssembly 2.0`);
}

function instruction(code: number, reader: Reader): void {
  const kind = ONE_BYTE[code];
  if (kind !== undefined) IMMEDIATES[kind](reader);
  else if (code === 0x0e) brTable(reader);
  else if (code === 0x1c) reader.each(() => valueType(reader));
  else if (code === 0xd0) valueType(reader);
  else if (code === 0xfc) bulk(reader);
  else if (code === 0xfd) simd(reader);
  else throw new Malformed(`uses ${feature(code)}`);
}

function feature(code: number): string {
  if (code === 0xfe) return "threads (an atomic instruction)";
  if (code === 0xfb) return "garbage collection";
  if (code === 0x12 || code === 0x13 || code === 0x15) return "tail calls";
  if ((code >= 0x06 && code <= 0x0a) || code === 0x18 || code === 0x19 || code === 0x1f) return "exceptions";
  return `an instruction 0x${code.toString(16)} that is not in WebAssembly 2.0`;
}

const IMMEDIATES = {
  none: () => undefined,
  block: blockType,
  index: (reader: Reader) => void reader.u32(),
  "two indices": (reader: Reader) => {
    reader.u32();
    reader.u32();
  },
  memory: memoryArgument,
  i32: (reader: Reader) => reader.leb(32),
  i64: (reader: Reader) => reader.leb(64),
  f32: (reader: Reader) => reader.skip(4),
  f64: (reader: Reader) => reader.skip(8),
} satisfies Readonly<Record<string, (reader: Reader) => void>>;

/** An s33: a type index, a value type, or 0x40 for nothing. */
function blockType(reader: Reader): void {
  const first = reader.peek() ?? 0;
  if (first === 0x40) reader.skip(1);
  else if (first >= 0x40 && first < 0x80) valueType(reader);
  else reader.leb(33);
}

function memoryArgument(reader: Reader): void {
  if (reader.u32() >= 0x40) throw new Malformed("uses several memories (a memory argument)");
  reader.u32();
}

function brTable(reader: Reader): void {
  reader.each(() => reader.u32());
  reader.u32();
}

function bulk(reader: Reader): void {
  const kind = BULK[reader.u32()];
  if (kind === undefined) throw new Malformed("uses a prefixed instruction that is not in WebAssembly 2.0");
  IMMEDIATES[kind](reader);
}

function simd(reader: Reader): void {
  const code = reader.u32();
  if (code >= 0x100) throw new Malformed("uses relaxed SIMD");
  if (code <= 0x0b || code === 0x5c || code === 0x5d) memoryArgument(reader);
  else if (code === 0x0c || code === 0x0d) reader.skip(16);
  else if (code >= 0x15 && code <= 0x22) reader.skip(1);
  else if (code >= 0x54 && code <= 0x5b) {
    memoryArgument(reader);
    reader.skip(1);
  }
}
