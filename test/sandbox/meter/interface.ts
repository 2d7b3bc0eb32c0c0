import { type Reader, sections } from "../../../src/sandbox/wasm/reader.ts";
import { TYPE_CODES, type ValueType } from "./opcodes.ts";
import type { FunctionType } from "./plan.ts";

interface Limits {
  readonly least: number;
  readonly most: number | undefined;
}
export type Extern =
  | { readonly kind: "function"; readonly type: FunctionType }
  | { readonly kind: "table"; readonly element: ValueType; readonly limits: Limits }
  | { readonly kind: "memory"; readonly limits: Limits }
  | { readonly kind: "global"; readonly type: ValueType; readonly mutable: boolean };

/** What a valid module wants and gives, with the types that JavaScript does not tell. */
export interface Interface {
  readonly imports: readonly { readonly module: string; readonly name: string; readonly extern: Extern }[];
  readonly functions: readonly { readonly name: string; readonly type: FunctionType }[];
}

/** What the host gives for a value of each type; vectors it cannot. */
export const HOST_VALUES = {
  i32: 7,
  i64: 7n,
  f32: 1.5,
  f64: 2.5,
  funcref: null,
  externref: "from the host",
} as const;

const NAMES = new Map(Object.entries(TYPE_CODES).map(([name, code]) => [code, name as ValueType]));

export function interfaceOf(bytes: Uint8Array): Interface {
  const types: FunctionType[] = [];
  const indices: number[] = [];
  const imports: Interface["imports"][number][] = [];
  const exports: { name: string; index: number }[] = [];
  sections(bytes, (id, content) => {
    if (id === 1) content.each(() => types.push(functionType(content)));
    else if (id === 2) {
      content.each(() => {
        const module = content.name();
        const name = content.name();
        const extern = imported(content, types, indices);
        imports.push({ module, name, extern });
      });
    } else if (id === 3) content.each(() => indices.push(content.u32()));
    else if (id === 7) {
      content.each(() => {
        const name = content.name();
        const kind = content.byte();
        const index = content.u32();
        if (kind === 0) exports.push({ name, index });
      });
    }
  });
  const functions = exports.map(({ name, index }) => ({ name, type: at(types, at(indices, index)) }));
  return { imports, functions };
}

function imported(reader: Reader, types: readonly FunctionType[], indices: number[]): Extern {
  switch (reader.byte()) {
    case 0:
      indices.push(reader.u32());
      return { kind: "function", type: at(types, at(indices, indices.length - 1)) };
    case 1:
      return { kind: "table", element: valueType(reader), limits: limits(reader) };
    case 2:
      return { kind: "memory", limits: limits(reader) };
    default:
      return { kind: "global", type: valueType(reader), mutable: reader.byte() === 1 };
  }
}

function functionType(reader: Reader): FunctionType {
  reader.byte();
  const params: ValueType[] = [];
  const results: ValueType[] = [];
  reader.each(() => params.push(valueType(reader)));
  reader.each(() => results.push(valueType(reader)));
  return { params, results };
}

function limits(reader: Reader): Limits {
  const bounded = reader.byte() === 1;
  return { least: reader.u32(), most: bounded ? reader.u32() : undefined };
}

function valueType(reader: Reader): ValueType {
  const name = NAMES.get(reader.byte());
  if (!name) throw new Error("a type that is not in WebAssembly 2.0");
  return name;
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`nothing at ${index}`);
  return item;
}
