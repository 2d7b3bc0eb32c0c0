import { METER, METER_GLOBALS } from "../wasm/metering.ts";
import { Reader, sections } from "../wasm/reader.ts";
import { BodyMeter, MOVED } from "./body.ts";
import { I32, I64 } from "./emit.ts";
import { Output } from "./output.ts";
import { readScope, type Scope } from "./scope.ts";

const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  global: 6,
  export: 7,
  element: 9,
  code: 10,
  data: 11,
} as const;

/**
 * Rewrites a core module so that it counts what it executes and stops when a limit is reached (`wasm/metering.ts` names the
 * counters that it imports):
 *
 * - fuel: 1 for every instruction executed, but `block`, `loop`, `else` and `end`, which are free; besides, 1 for every 8 bytes of a bulk
 *   operation on memory, 1 for every entry of one on tables, 8,192 for every page and 1 for every entry that is grown;
 * - call depth: the frames on the stack, in slots of 8 bytes (`frame.ts`);
 * - growth of memories and tables;
 * - NaNs that operations give are canonical.
 *
 * The counter is exact where a call ends and at `unreachable`; at any other trap it is that of the last function entry, call
 * or return of the function that trapped. Either way it is the same on every machine.
 *
 * The module must have passed inspection (valid, WebAssembly 2.0, one memory, no import from the meter): what it does is
 * otherwise the same. Custom sections are left out. Throws `Malformed` for a function whose frame no limit would ever allow,
 * or that is too large once it is metered.
 */
export function meterModule(bytes: Uint8Array): Uint8Array {
  const scope = readScope(bytes);
  const out = new Output(bytes.length * 2);
  const content = new Output(1 << 12);
  const blockTypes = new Map<number, number>();
  out.copy(bytes, 0, 8);
  let imported = false;
  const write = (id: number, body: Uint8Array) => {
    out.byte(id);
    out.u32(body.length);
    out.all(body);
  };
  const writeImports = (reader: Reader | undefined) => {
    content.clear();
    imports(reader, content);
    write(SECTION.import, content.view());
    imported = true;
  };
  sections(bytes, (id, reader) => {
    if (id === SECTION.custom) return;
    if (!imported && id > SECTION.import) writeImports(undefined);
    content.clear();
    switch (id) {
      case SECTION.type:
        types(reader, scope, blockTypes, content);
        return write(id, content.view());
      case SECTION.import:
        return writeImports(reader);
      case SECTION.global:
        globals(reader, scope, content);
        return write(id, content.view());
      case SECTION.export:
        exports(reader, scope, content);
        return write(id, content.view());
      case SECTION.element:
        content.u32(reader.peekVector());
        reader.each(() => element(reader, scope, content));
        return write(id, content.view());
      case SECTION.code:
        bodies(reader.bytes(), scope, blockTypes, content);
        return write(id, content.view());
      case SECTION.data:
        content.u32(reader.peekVector());
        reader.each(() => data(reader, scope, content));
        return write(id, content.view());
      default:
        return write(id, reader.bytes());
    }
  });
  if (!imported) writeImports(undefined);
  return out.view();
}

/** The types, and for each function type with several results that of a block with these results. */
function types(reader: Reader, scope: Scope, blockTypes: Map<number, number>, out: Output): void {
  const added: Uint8Array[] = [];
  for (const [index, { results }] of scope.types.entries()) {
    if (results.length > 1) blockTypes.set(index, scope.types.length + added.push(results) - 1);
  }
  out.u32(scope.types.length + added.length);
  reader.u32();
  out.all(reader.bytes());
  for (const results of added) {
    out.byte(0x60);
    out.u32(0);
    out.u32(results.length);
    out.all(results);
  }
}

/** The imports of the module, and the meter's globals behind them. */
function imports(reader: Reader | undefined, out: Output): void {
  out.u32((reader?.u32() ?? 0) + METER_GLOBALS.length);
  if (reader) out.all(reader.bytes());
  for (const name of METER_GLOBALS) {
    out.name(METER);
    out.name(name);
    out.byte(3);
    out.byte(name === "fuel" ? I64 : I32);
    out.byte(1);
  }
}

function globals(reader: Reader, scope: Scope, out: Output): void {
  out.u32(reader.peekVector());
  reader.each(() => {
    out.byte(reader.byte());
    out.byte(reader.byte());
    constant(reader, scope, out);
  });
}

function exports(reader: Reader, scope: Scope, out: Output): void {
  out.u32(reader.peekVector());
  reader.each(() => {
    out.name(reader.name());
    const kind = reader.byte();
    const index = reader.u32();
    out.byte(kind);
    out.u32(kind === 3 ? moved(index, scope) : index);
  });
}

/** Core specification §5.5.12: bit 0: not active; bit 1: an explicit table, or declarative; bit 2: expressions. */
function element(reader: Reader, scope: Scope, out: Output): void {
  const flags = reader.u32();
  const active = (flags & 1) === 0;
  out.u32(flags);
  if (active && (flags & 2) !== 0) out.u32(reader.u32());
  if (active) constant(reader, scope, out);
  if ((flags & 3) !== 0) out.byte(reader.byte());
  out.u32(reader.peekVector());
  reader.each(() => {
    if ((flags & 4) !== 0) constant(reader, scope, out);
    else out.u32(reader.u32());
  });
}

function data(reader: Reader, scope: Scope, out: Output): void {
  const flags = reader.u32();
  out.u32(flags);
  if (flags === 2) out.u32(reader.u32());
  if (flags !== 1) constant(reader, scope, out);
  const length = reader.u32();
  out.u32(length);
  out.all(reader.sub(length).bytes());
}

/** A constant expression, with the globals that it names where they are now. */
function constant(reader: Reader, scope: Scope, out: Output): void {
  for (;;) {
    const code = reader.byte();
    out.byte(code);
    if (code === 0x0b) return;
    if (code === 0x23) out.u32(moved(reader.u32(), scope));
    else if (code === 0xd2) out.u32(reader.u32());
    else if (code === 0xd0) out.byte(reader.byte());
    else if (code === 0x41 || code === 0x42) leb(reader, out);
    else if (code === 0x43) out.all(reader.sub(4).bytes());
    else if (code === 0x44) out.all(reader.sub(8).bytes());
    else if (code === 0xfd) {
      out.u32(reader.u32());
      out.all(reader.sub(16).bytes());
    }
  }
}

function leb(reader: Reader, out: Output): void {
  for (;;) {
    const byte = reader.byte();
    out.byte(byte);
    if (byte < 0x80) return;
  }
}

function moved(index: number, scope: Scope): number {
  return index < scope.importedGlobals ? index : index + MOVED;
}

function bodies(bytes: Uint8Array, scope: Scope, blockTypes: ReadonlyMap<number, number>, out: Output): void {
  const reader = new Reader(bytes);
  const meter = new BodyMeter(bytes, scope, blockTypes);
  out.u32(reader.peekVector());
  reader.each((index) => {
    const size = reader.u32();
    const start = reader.at;
    reader.skip(size);
    meter.rewrite(start, start + size, scope.functions[scope.importedFunctions + index] ?? -1, out);
  });
}
