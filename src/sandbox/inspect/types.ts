import { Malformed, type Reader } from "../wasm/reader.ts";

/** An import: an instance with the types of what it exports, as WIT would write them, or something else by its kind. */
export type Extern =
  | { readonly kind: "instance"; readonly exports: ReadonlyMap<string, string> }
  | { readonly kind: "other"; readonly what: string };

type TypeEntry = { readonly text: string; readonly instance?: ReadonlyMap<string, string> };

/** A type whose text is longer is not one of ours; the bound also stops types that double with each level. */
const MAX_TEXT = 4096;

const PRIMITIVES: Readonly<Record<number, string>> = {
  127: "bool",
  126: "s8",
  125: "u8",
  124: "s16",
  123: "u16",
  122: "s32",
  121: "u32",
  120: "s64",
  119: "u64",
  118: "f32",
  117: "f64",
  116: "char",
  115: "string",
};
/** How deep types of instances may nest. */
const MAX_LEVELS = 4;
const SORTS = ["core item", "function", "value", "type", "component", "instance"] as const;
const SORT = { function: 1, type: 3, instance: 5 } as const;

export interface TypeDecoder {
  types(content: Reader): void;
  aliases(content: Reader): void;
  instances(content: Reader): void;
  imports(content: Reader, found: (name: string, extern: Extern) => void): void;
  exports(content: Reader, found: (name: string) => void): void;
}

/** Keeps the index spaces of types and instances of one component while its sections go by. */
export function typeDecoder(): TypeDecoder {
  const space = new TypeSpace(undefined);
  return {
    types: (content) => void content.each(() => space.types.push(space.definition(content))),
    aliases: (content) => void content.each(() => space.alias(content)),
    instances: (content) => void content.each(() => space.instance(content)),
    imports: (content, found) =>
      void content.each(() => {
        const name = externName(content);
        found(name, space.extern(content));
      }),
    exports: (content, found) =>
      void content.each(() => {
        found(externName(content));
        space.exported(content);
      }),
  };
}

class TypeSpace {
  readonly types: TypeEntry[] = [];
  readonly #instances: ReadonlyMap<string, string>[] = [];
  readonly #outer: TypeSpace | undefined;
  readonly #level: number;

  constructor(outer: TypeSpace | undefined) {
    this.#outer = outer;
    this.#level = outer === undefined ? 0 : outer.#level + 1;
    if (this.#level > MAX_LEVELS) throw new Malformed(`types of instances nested more than ${MAX_LEVELS} levels deep`);
  }

  definition(reader: Reader): TypeEntry {
    const code = reader.byte();
    const primitive = PRIMITIVES[code];
    if (primitive) return { text: primitive };
    if (code === 0x42) return { text: "instance", instance: this.#instanceType(reader) };
    return { text: bounded(this.#composite(code, reader)) };
  }

  #composite(code: number, reader: Reader): string {
    switch (code) {
      case 0x72:
        return `record { ${this.#fields(reader)} }`;
      case 0x71:
        return `variant { ${list(reader, () => this.#case(reader))} }`;
      case 0x70:
        return `list<${this.#value(reader)}>`;
      case 0x6f:
        return `tuple<${list(reader, () => this.#value(reader))}>`;
      case 0x6e:
        return `flags { ${list(reader, () => reader.name())} }`;
      case 0x6d:
        return `enum { ${list(reader, () => reader.name())} }`;
      case 0x6b:
        return `option<${this.#value(reader)}>`;
      case 0x6a:
        return `result<${this.#optional(reader) ?? "_"}, ${this.#optional(reader) ?? "_"}>`;
      case 0x40:
        return `func(${this.#fields(reader)})${this.#results(reader)}`;
      default:
        throw new Malformed(
          `a type of kind 0x${code.toString(16)}, expected only records, variants, lists, options, results and functions`,
        );
    }
  }

  #fields(reader: Reader): string {
    return list(reader, () => `${reader.name()}: ${this.#value(reader)}`);
  }

  #case(reader: Reader): string {
    const name = reader.name();
    const type = this.#optional(reader);
    reader.byte();
    return type ? `${name}(${type})` : name;
  }

  #results(reader: Reader): string {
    if (reader.byte() === 0) return ` -> ${this.#value(reader)}`;
    reader.byte();
    return "";
  }

  #optional(reader: Reader): string | undefined {
    return reader.byte() === 0 ? undefined : this.#value(reader);
  }

  #value(reader: Reader): string {
    const primitive = PRIMITIVES[reader.peek() ?? -1];
    if (primitive === undefined) return this.#type(reader.u32()).text;
    reader.byte();
    return primitive;
  }

  #type(index: number): TypeEntry {
    const entry = this.types[index];
    if (entry === undefined) throw new Malformed(`a type of index ${index} that does not exist`);
    return entry;
  }

  #instanceType(reader: Reader): ReadonlyMap<string, string> {
    const inner = new TypeSpace(this);
    const exports = new Map<string, string>();
    reader.each(() => {
      const kind = reader.byte();
      if (kind === 0x01) inner.types.push(inner.definition(reader));
      else if (kind === 0x02) inner.alias(reader);
      else if (kind === 0x04) {
        const name = externName(reader);
        const extern = inner.extern(reader);
        exports.set(name, extern.kind === "other" ? extern.what : "instance");
      } else throw new Malformed(`a declaration of kind 0x${kind.toString(16)} in the type of an instance`);
    });
    return exports;
  }

  /** `externdesc`: adds to the index spaces what it declares. */
  extern(reader: Reader): Extern {
    const sort = reader.byte();
    if (sort === SORT.instance) {
      const { instance } = this.#type(reader.u32());
      if (instance === undefined) throw new Malformed("an instance whose type is not the type of an instance");
      this.#instances.push(instance);
      return { kind: "instance", exports: instance };
    }
    if (sort === SORT.function) return { kind: "other", what: this.#type(reader.u32()).text };
    if (sort === SORT.type) {
      const entry = reader.byte() === 0 ? this.#type(reader.u32()) : { text: "resource" };
      this.types.push(entry);
      return { kind: "other", what: entry.text };
    }
    throw new Malformed(`declares a ${SORTS[sort] ?? "thing of an unknown sort"}, expected interfaces only`);
  }

  alias(reader: Reader): void {
    const sort = reader.byte();
    if (sort === 0) reader.byte();
    const target = reader.byte();
    const index = reader.u32();
    if (target === 2) {
      const entry = this.#outerSpace(index)?.types[reader.u32()];
      if (sort === SORT.type) this.types.push(entry ?? { text: "unknown" });
      return;
    }
    const name = reader.name();
    if (target !== 0) return;
    if (sort === SORT.type) this.types.push({ text: this.#instances[index]?.get(name) ?? "unknown" });
    else if (sort === SORT.instance) this.#instances.push(new Map());
  }

  #outerSpace(count: number): TypeSpace | undefined {
    return count === 0 ? this : count === 1 ? this.#outer : undefined;
  }

  /** An instance made inside the component: nothing that it exports can be the type of an import of ours. */
  instance(reader: Reader): void {
    const form = reader.byte();
    if (form === 0) {
      reader.u32();
      reader.each(() => {
        reader.name();
        sortIndex(reader);
      });
    } else {
      reader.each(() => {
        externName(reader);
        sortIndex(reader);
      });
    }
    this.#instances.push(new Map());
  }

  exported(reader: Reader): void {
    const { sort, index } = sortIndex(reader);
    if (sort === SORT.type) this.types.push(this.#type(index));
    else if (sort === SORT.instance) this.#instances.push(this.#instances[index] ?? new Map());
    if (reader.byte() === 1) description(reader);
  }
}

export function sortIndex(reader: Reader): { readonly sort: number; readonly index: number } {
  const sort = reader.byte();
  if (sort === 0) reader.byte();
  return { sort, index: reader.u32() };
}

/** `externdesc`, whatever it describes; its sort. */
export function description(reader: Reader): number {
  const sort = reader.byte();
  if (sort === 0) reader.byte();
  const resource = sort === SORT.type && reader.byte() === 1;
  if (!resource) reader.u32();
  return sort;
}

/** A plain name. Forms that say more than our world does are refused. */
export function externName(reader: Reader): string {
  const form = reader.byte();
  if (form > 1) throw new Malformed(`a name of form 0x${form.toString(16)}, expected a plain one`);
  return reader.name();
}

function list(reader: Reader, item: () => string): string {
  const items: string[] = [];
  let length = 0;
  reader.each(() => {
    const text = item();
    length += text.length + 2;
    if (length > MAX_TEXT) throw tooLong();
    items.push(text);
  });
  return items.join(", ");
}

function bounded(text: string): string {
  if (text.length > MAX_TEXT) throw tooLong();
  return text;
}

function tooLong(): Malformed {
  return new Malformed(`a type of more than ${MAX_TEXT} characters`);
}
