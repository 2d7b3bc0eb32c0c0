import { Malformed } from "../wasm/reader.ts";
import { readComponent } from "./component.ts";
import { checkModule } from "./module.ts";
import { checkExportNames, checkExportTypes, checkImports } from "./world.ts";

/** The largest component that is looked at, in bytes. */
export const MAX_COMPONENT_BYTES = 16 * 1024 * 1024;

/**
 * Checks a component against the world of hooks before anything is made of it or run: only the imports of `wit/hook.wit` with
 * their types, exactly its exports, no WASI, and core modules within WebAssembly 2.0. `witOf` prints a component's world.
 * Throws `Malformed`, whose message names what was found and what was expected.
 */
export async function inspect(bytes: Uint8Array, witOf: (bytes: Uint8Array) => Promise<string>): Promise<void> {
  if (bytes.length > MAX_COMPONENT_BYTES) {
    throw new Malformed(`is ${bytes.length} bytes, allowed ${MAX_COMPONENT_BYTES}`);
  }
  const shape = readComponent(bytes);
  checkImports(shape.imports);
  checkExportNames(shape.exports);
  shape.modules.forEach(checkModule);
  checkExportTypes(await witOf(bytes));
}
