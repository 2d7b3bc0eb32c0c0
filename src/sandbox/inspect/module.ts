import { engine } from "../wasm/engine.ts";
import { METER } from "../wasm/metering.ts";
import { binaryKind, Malformed, type Reader, sections } from "../wasm/reader.ts";
import { atMost, checkBounds } from "./bounds.ts";
import { valueType, walkBody, walkExpression } from "./code.ts";

/** Imported and defined ones together. */
const MAX_TABLES = 16;
/** The most that a manifest can allow (`schemas/hook.v1.json`): whoever starts with more can never be loaded. */
const MAX_ENTRIES = 100_000;
const MAX_PAGES = 8192;

/** What a core module is made of. */
export interface ModuleFacts {
  readonly bytes: number;
  /** Functions that it defines, and the bytes of their bodies. */
  readonly functions: number;
  readonly codeBytes: number;
  /** Pages of 64 KiB of the memory that it defines; without `maximum` it declares none. */
  readonly memory?: Size;
  /** Entries of the tables that it defines. */
  readonly tables: readonly Size[];
}

export interface Size {
  readonly initial: number;
  readonly maximum?: number;
}

/**
 * Names of imports and exports end up inside the generated code, so they may hold nothing that could leave a string
 * literal, whatever the generator makes of it.
 */
const SAFE_NAME = /^(?!.*\bimport\s*\()[\w $.,:;|/@<>=#*()+\-[\]]*$/;

/**
 * Checks one core module as it stands in the component, before anything rewrites it: valid, WebAssembly 2.0 with one
 * memory at most (and the extended constants that position-independent code needs), bounded. Threads, memory64, exceptions,
 * garbage collection, tail calls, relaxed SIMD and several memories are refused. Throws `Malformed`.
 */
export function checkModule(bytes: Uint8Array, index: number): ModuleFacts {
  try {
    if (binaryKind(bytes) !== "module") throw new Malformed("is no core module");
    checkBounds(bytes);
    // A view of somebody else's buffer may be larger than the module: V8 sees the copy that we checked.
    if (!engine.validate(Uint8Array.from(bytes))) throw new Malformed("is not valid");
    const counts: Counts = { memories: 0, tables: 0, functions: 0, codeBytes: 0, memory: undefined, sizes: [] };
    sections(bytes, (id, content) => checkSection(id, content, counts));
    const { functions, codeBytes, memory, sizes: tables } = counts;
    return { bytes: bytes.length, functions, codeBytes, ...(memory && { memory }), tables };
  } catch (error) {
    if (error instanceof Malformed) throw new Malformed(`core module ${index} ${error.message}`);
    throw error;
  }
}

interface Counts {
  memories: number;
  tables: number;
  functions: number;
  codeBytes: number;
  memory: Size | undefined;
  readonly sizes: Size[];
}

function checkSection(id: number, content: Reader, counts: Counts): void {
  switch (id) {
    case 1:
      content.each(() => functionType(content));
      break;
    case 2:
      content.each(() => imported(content, counts));
      break;
    case 4:
      content.each(() => counts.sizes.push(table(content, counts)));
      break;
    case 5:
      content.each(() => {
        counts.memory = memory(content, counts);
      });
      break;
    case 6:
      content.each(() => {
        valueType(content);
        content.byte();
        walkExpression(content);
      });
      break;
    case 7:
      content.each(() => exported(content));
      break;
    case 10:
      counts.functions = content.each(() => {
        const size = content.u32();
        counts.codeBytes += size;
        walkBody(content.sub(size));
      });
      break;
    case 13:
      throw new Malformed("uses exceptions (a tag section)");
  }
}

function functionType(reader: Reader): void {
  if (reader.byte() !== 0x60) throw new Malformed("uses garbage collection (a type that is no function)");
  reader.each(() => valueType(reader));
  reader.each(() => valueType(reader));
}

function imported(reader: Reader, counts: Counts): void {
  const from = reader.name();
  if (from === METER) throw new Malformed(`imports from \`${METER}\`, which is kept for the meter`);
  safe(from);
  safe(reader.name());
  const kind = reader.byte();
  if (kind === 0) reader.u32();
  else if (kind === 1) table(reader, counts);
  else if (kind === 2) memory(reader, counts);
  else if (kind === 3) {
    valueType(reader);
    reader.byte();
  } else throw new Malformed("uses exceptions (an imported tag)");
}

function exported(reader: Reader): void {
  safe(reader.name());
  if (reader.byte() > 3) throw new Malformed("uses exceptions (an exported tag)");
  reader.u32();
}

function safe(name: string): void {
  if (name.length > 1000 || !SAFE_NAME.test(name)) {
    throw new Malformed("has the name of an import or export with characters that no toolchain writes");
  }
}

function table(reader: Reader, counts: Counts): Size {
  counts.tables += 1;
  atMost(counts.tables, MAX_TABLES, "tables");
  valueType(reader);
  const size = limits(reader);
  atMost(size.initial, MAX_ENTRIES, "entries in a table from the start");
  return size;
}

function memory(reader: Reader, counts: Counts): Size {
  counts.memories += 1;
  if (counts.memories > 1) throw new Malformed("uses several memories");
  const size = limits(reader);
  atMost(size.initial, MAX_PAGES, "pages of memory from the start");
  return size;
}

function limits(reader: Reader): Size {
  const flags = reader.byte();
  if (flags & 0x02) throw new Malformed("uses threads (shared memory)");
  if (flags & 0x04) throw new Malformed("uses memory64");
  if (flags > 1) throw new Malformed("uses limits that are not in WebAssembly 2.0");
  const initial = reader.u32();
  return flags === 1 ? { initial, maximum: reader.u32() } : { initial };
}
