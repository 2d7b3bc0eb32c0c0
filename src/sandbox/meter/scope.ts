import { walkExpression } from "../inspect/code.ts";
import { type Reader, sections } from "../wasm/reader.ts";
import { V128 } from "./nan.ts";

export interface FunctionType {
  readonly params: Uint8Array;
  readonly results: Uint8Array;
  /** Takes or gives vectors, which need two slots each. */
  readonly wide: boolean;
}

/** How far a memory or table may grow by itself. */
export interface Extent {
  /** The declared maximum; undefined where there is none. */
  readonly most: number | undefined;
  /** Where it comes from may declare less. */
  readonly imported: boolean;
}

/** The index spaces of a core module, as far as the meter needs them. */
export interface Scope {
  readonly types: readonly FunctionType[];
  /** Type indices, those of imported functions first. */
  readonly functions: readonly number[];
  readonly importedFunctions: number;
  readonly importedGlobals: number;
  /** Indices of globals that hold vectors. */
  readonly wideGlobals: ReadonlySet<number>;
  readonly tables: readonly Extent[];
  readonly memories: readonly Extent[];
}

/** Reads the index spaces of a valid module. */
export function readScope(bytes: Uint8Array): Scope {
  const types: FunctionType[] = [];
  const functions: number[] = [];
  const tables: Extent[] = [];
  const memories: Extent[] = [];
  let importedFunctions = 0;
  let importedGlobals = 0;
  const wideGlobals = new Set<number>();
  const global = (content: Reader, index: number) => {
    if (content.byte() === V128) wideGlobals.add(index);
    content.skip(1);
  };
  sections(bytes, (id, content) => {
    if (id === 1) content.each(() => types.push(functionType(content)));
    else if (id === 2) {
      content.each(() => {
        content.name();
        content.name();
        const kind = content.byte();
        if (kind === 0) importedFunctions = functions.push(content.u32());
        else if (kind === 1) tables.push(table(content, true));
        else if (kind === 2) memories.push(extent(content, true));
        else {
          global(content, importedGlobals);
          importedGlobals += 1;
        }
      });
    } else if (id === 3) content.each(() => functions.push(content.u32()));
    else if (id === 4) content.each(() => tables.push(table(content, false)));
    else if (id === 5) content.each(() => memories.push(extent(content, false)));
    else if (id === 6) {
      content.each((index) => {
        global(content, importedGlobals + index);
        walkExpression(content);
      });
    }
  });
  return { types, functions, importedFunctions, importedGlobals, wideGlobals, tables, memories };
}

function functionType(reader: Reader): FunctionType {
  reader.skip(1);
  const params = valueTypes(reader);
  const results = valueTypes(reader);
  return { params, results, wide: params.includes(V128) || results.includes(V128) };
}

function valueTypes(reader: Reader): Uint8Array {
  const types: number[] = [];
  reader.each(() => types.push(reader.byte()));
  return Uint8Array.from(types);
}

function table(reader: Reader, imported: boolean): Extent {
  reader.skip(1);
  return extent(reader, imported);
}

function extent(reader: Reader, imported: boolean): Extent {
  const bounded = reader.byte() === 1;
  reader.u32();
  return { most: bounded ? reader.u32() : undefined, imported };
}
