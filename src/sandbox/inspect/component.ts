import { binaryKind, Malformed, sections } from "../wasm/reader.ts";
import { nestedModules } from "./nesting.ts";
import { type Extern, typeDecoder } from "./types.ts";

/** What a component shows of itself: imports and exports by name, and the core modules anywhere inside it. */
export interface ComponentShape {
  readonly imports: ReadonlyMap<string, Extern>;
  readonly exports: readonly string[];
  readonly modules: readonly Uint8Array[];
}

const SECTION = { instance: 5, alias: 6, type: 7, import: 10, export: 11 } as const;

/**
 * Reads a component binary (component model, Binary.md) as far as its imports, the names of its exports, and its core
 * modules. Throws `Malformed`.
 */
export function readComponent(bytes: Uint8Array): ComponentShape {
  const kind = binaryKind(bytes);
  if (kind !== "component") {
    throw new Malformed(
      `found ${kind === "module" ? "a core module" : "bytes that are no WebAssembly"}, expected a component (version 0x0d, layer 1)`,
    );
  }
  const types = typeDecoder();
  const imports = new Map<string, Extern>();
  const exports: string[] = [];
  sections(bytes, (id, content) => {
    if (id === SECTION.type) types.types(content);
    else if (id === SECTION.alias) types.aliases(content);
    else if (id === SECTION.instance) types.instances(content);
    else if (id === SECTION.import) types.imports(content, (name, extern) => put(imports, name, extern));
    else if (id === SECTION.export) types.exports(content, (name) => exports.push(name));
  });
  return { imports, exports, modules: nestedModules(bytes) };
}

function put(imports: Map<string, Extern>, name: string, extern: Extern): void {
  if (imports.has(name)) throw new Malformed(`imports \`${name}\` twice`);
  imports.set(name, extern);
}
