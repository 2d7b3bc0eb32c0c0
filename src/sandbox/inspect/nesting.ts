import { binaryKind, Malformed, type Reader, sections } from "../wasm/reader.ts";
import { checkCanon } from "./canon.ts";
import { description, externName, sortIndex } from "./types.ts";

const MAX_MODULES = 64;
const MAX_COMPONENTS = 256;
const MAX_DEPTH = 8;
/** Instances, of core modules and of components, that one instance of the whole may be made of. */
const MAX_INSTANCES = 256;

const COMPONENT_SORT = 4;

/**
 * Every core module anywhere in a component. Throws `Malformed` when there are too many, when components are nested too deep,
 * or when an instance would be made of too many others: components that instantiate each other double with each level.
 */
export function nestedModules(bytes: Uint8Array): readonly Uint8Array[] {
  const found: Found = { modules: [], components: 0 };
  countInstances(bytes, found, MAX_DEPTH);
  return found.modules;
}

interface Found {
  readonly modules: Uint8Array[];
  components: number;
}

/** How many instances come with one of this component. */
function countInstances(bytes: Uint8Array, found: Found, depth: number): number {
  if (depth === 0) throw new Malformed(`components nested more than ${MAX_DEPTH} levels deep`);
  if (binaryKind(bytes) !== "component") throw new Malformed("a nested component that is none");
  const components: number[] = [];
  let instances = 1;
  const add = (more: number) => {
    instances += more;
    if (instances > MAX_INSTANCES) throw new Malformed(`is made of more than ${MAX_INSTANCES} instances`);
  };
  sections(bytes, (id, content) => {
    switch (id) {
      case 1:
        if (found.modules.push(content.bytes()) > MAX_MODULES)
          throw new Malformed(`more than ${MAX_MODULES} core modules`);
        break;
      case 2:
        content.each(() => add(coreInstance(content)));
        break;
      case 4:
        found.components += 1;
        if (found.components > MAX_COMPONENTS) throw new Malformed(`more than ${MAX_COMPONENTS} nested components`);
        components.push(countInstances(content.bytes(), found, depth - 1));
        break;
      case 5:
        content.each(() => add(componentInstance(content, components)));
        break;
      case 6:
        content.each(() => notComponent(aliasSort(content)));
        break;
      case 8:
        content.each(() => checkCanon(content));
        break;
      case 9:
        throw new Malformed("has a start function of its own");
      case 10:
        content.each(() => notComponent(importSort(content)));
        break;
      case 11:
        content.each(() => notComponent(exportSort(content)));
        break;
      default:
        if (id > 11) throw new Malformed(`has a section ${id}, which no component of this world needs`);
    }
  });
  return instances;
}

function notComponent(sort: number): void {
  if (sort === COMPONENT_SORT)
    throw new Malformed("passes a component on, expected components to be used where they stand");
}

function coreInstance(reader: Reader): number {
  const instantiates = reader.byte() === 0;
  if (instantiates) reader.u32();
  reader.each(() => {
    reader.name();
    reader.byte();
    reader.u32();
  });
  return instantiates ? 1 : 0;
}

function componentInstance(reader: Reader, components: readonly number[]): number {
  const instantiates = reader.byte() === 0;
  const index = instantiates ? reader.u32() : undefined;
  reader.each(() => {
    if (instantiates) reader.name();
    else externName(reader);
    sortIndex(reader);
  });
  if (index === undefined) return 0;
  const made = components[index];
  if (made === undefined) throw new Malformed(`instantiates a component of index ${index} that does not exist`);
  return made;
}

function aliasSort(reader: Reader): number {
  const sort = reader.byte();
  if (sort === 0) reader.byte();
  const outer = reader.byte() === 2;
  reader.u32();
  if (outer) reader.u32();
  else reader.name();
  return sort;
}

function importSort(reader: Reader): number {
  externName(reader);
  return description(reader);
}

function exportSort(reader: Reader): number {
  externName(reader);
  const { sort } = sortIndex(reader);
  if (reader.byte() === 1) description(reader);
  return sort;
}
