import { binaryKind, Malformed, type Reader, sections } from "../wasm/reader.ts";
import { type Extern, typeDecoder } from "./types.ts";

/** What a component shows of itself: imports and exports by name, and the core modules anywhere inside it. */
export interface ComponentShape {
  readonly imports: ReadonlyMap<string, Extern>;
  readonly exports: readonly string[];
  readonly modules: readonly Uint8Array[];
}

const MAX_MODULES = 64;
const MAX_COMPONENTS = 256;
const MAX_DEPTH = 8;

const SECTION = { module: 1, component: 4, instance: 5, alias: 6, type: 7, import: 10, export: 11 } as const;

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
  const modules: Uint8Array[] = [];
  collectModules(bytes, modules, { left: MAX_COMPONENTS }, MAX_DEPTH);
  return { imports, exports, modules };
}

function put(imports: Map<string, Extern>, name: string, extern: Extern): void {
  if (imports.has(name)) throw new Malformed(`imports \`${name}\` twice`);
  imports.set(name, extern);
}

function collectModules(bytes: Uint8Array, modules: Uint8Array[], components: { left: number }, depth: number): void {
  if (depth === 0) throw new Malformed(`components nested more than ${MAX_DEPTH} levels deep`);
  sections(bytes, (id, content: Reader) => {
    if (id === SECTION.module) {
      if (modules.push(content.bytes()) > MAX_MODULES) throw new Malformed(`more than ${MAX_MODULES} core modules`);
    } else if (id === SECTION.component) {
      components.left -= 1;
      if (components.left < 0) throw new Malformed(`more than ${MAX_COMPONENTS} nested components`);
      const nested = content.bytes();
      if (binaryKind(nested) !== "component") throw new Malformed("a nested component that is none");
      collectModules(nested, modules, components, depth - 1);
    }
  });
}
