import { engine } from "../wasm/engine.ts";
import { binaryKind, Malformed, type Reader, sections } from "../wasm/reader.ts";
import { valueType, walkBody, walkExpression } from "./code.ts";

const MAX_FUNCTIONS = 100_000;
const MAX_IMPORTS = 10_000;
const MAX_EXPORTS = 10_000;
const MAX_TABLES = 16;

/**
 * Names of imports and exports end up inside the generated code, so they may hold nothing that could leave a string
 * literal, whatever the generator makes of it.
 */
const SAFE_NAME = /^[\w $.,:;|/@<>=#*()+\-[\]]*$/;

/**
 * Checks one core module as it stands in the component, before anything rewrites it: valid, WebAssembly 2.0 with one
 * memory at most (and the extended constants that position-independent code needs), bounded. Threads, memory64, exceptions,
 * garbage collection, tail calls, relaxed SIMD and several memories are refused. Throws `Malformed`.
 */
export function checkModule(bytes: Uint8Array, index: number): void {
  try {
    if (binaryKind(bytes) !== "module") throw new Malformed("is no core module");
    // A view of somebody else's buffer may be larger than the module: V8 sees the copy that we checked.
    if (!engine.validate(Uint8Array.from(bytes))) throw new Malformed("is not valid");
    const counts: Counts = { memories: 0, tables: 0 };
    sections(bytes, (id, content) => checkSection(id, content, counts));
  } catch (error) {
    if (error instanceof Malformed) throw new Malformed(`core module ${index} ${error.message}`);
    throw error;
  }
}

interface Counts {
  memories: number;
  tables: number;
}

function checkSection(id: number, content: Reader, counts: Counts): void {
  switch (id) {
    case 1:
      content.each(() => functionType(content));
      break;
    case 2:
      atMost(
        content.each(() => imported(content, counts)),
        MAX_IMPORTS,
        "imports",
      );
      break;
    case 3:
      atMost(content.u32(), MAX_FUNCTIONS, "functions");
      break;
    case 4:
      content.each(() => table(content, counts));
      break;
    case 5:
      content.each(() => memory(content, counts));
      break;
    case 6:
      content.each(() => {
        valueType(content);
        content.byte();
        walkExpression(content);
      });
      break;
    case 7:
      atMost(
        content.each(() => exported(content)),
        MAX_EXPORTS,
        "exports",
      );
      break;
    case 10:
      content.each(() => walkBody(content.sub(content.u32())));
      break;
    case 13:
      throw new Malformed("uses exceptions (a tag section)");
  }
}

function atMost(found: number, allowed: number, what: string): void {
  if (found > allowed) throw new Malformed(`has ${found} ${what}, allowed ${allowed}`);
}

function functionType(reader: Reader): void {
  if (reader.byte() !== 0x60) throw new Malformed("uses garbage collection (a type that is no function)");
  reader.each(() => valueType(reader));
  reader.each(() => valueType(reader));
}

function imported(reader: Reader, counts: Counts): void {
  safe(reader.name());
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

function table(reader: Reader, counts: Counts): void {
  counts.tables += 1;
  atMost(counts.tables, MAX_TABLES, "tables");
  valueType(reader);
  limits(reader);
}

function memory(reader: Reader, counts: Counts): void {
  counts.memories += 1;
  if (counts.memories > 1) throw new Malformed("uses several memories");
  limits(reader);
}

function limits(reader: Reader): void {
  const flags = reader.byte();
  if (flags & 0x02) throw new Malformed("uses threads (shared memory)");
  if (flags & 0x04) throw new Malformed("uses memory64");
  if (flags > 1) throw new Malformed("uses limits that are not in WebAssembly 2.0");
  reader.u32();
  if (flags === 1) reader.u32();
}
