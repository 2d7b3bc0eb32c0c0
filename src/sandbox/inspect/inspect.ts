import { Malformed } from "../wasm/reader.ts";
import { readComponent } from "./component.ts";
import { checkModule, type ModuleFacts } from "./module.ts";
import type { Extern } from "./types.ts";
import { checkExportNames, checkExportTypes, checkImports, MINTING, TRUSTED_WORLD, WORLD } from "./world.ts";

/** The largest component that is looked at, in bytes. */
export const MAX_COMPONENT_BYTES = 16 * 1024 * 1024;

/** What a component that may be used is made of. */
export interface ComponentFacts {
  readonly world: string;
  /** The functions that it can call, by interface. */
  readonly imports: readonly { readonly interface: string; readonly functions: readonly string[] }[];
  readonly exports: readonly string[];
  readonly modules: readonly ModuleFacts[];
}

/**
 * Checks a component against the world of hooks before anything is made of it or run: only the imports of `wit/hook.wit` with
 * their types, exactly its exports, no WASI, and core modules within WebAssembly 2.0. `witOf` prints a component's world.
 * Throws `Malformed`, whose message names what was found and what was expected.
 */
export async function inspect(
  bytes: Uint8Array,
  witOf: (bytes: Uint8Array) => Promise<string>,
): Promise<ComponentFacts> {
  if (bytes.length > MAX_COMPONENT_BYTES) {
    throw new Malformed(`is ${bytes.length} bytes, allowed ${MAX_COMPONENT_BYTES}`);
  }
  const shape = readComponent(bytes);
  checkImports(shape.imports);
  checkExportNames(shape.exports);
  const modules = shape.modules.map(checkModule);
  checkExportTypes(await witOf(bytes));
  const world = shape.imports.has(MINTING) ? TRUSTED_WORLD : WORLD;
  return { world, imports: [...shape.imports].flatMap(calls), exports: shape.exports, modules };
}

/** An interface that gives functions; one that gives types only can call nothing. */
function calls([name, extern]: readonly [string, Extern]): ComponentFacts["imports"] {
  if (extern.kind !== "instance") return [];
  const functions = [...extern.exports].filter(([, type]) => type.startsWith("func(")).map(([item]) => item);
  return functions.length === 0 ? [] : [{ interface: name, functions }];
}
