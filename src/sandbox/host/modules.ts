import { type CoreInstance, type CoreModule, engine } from "../wasm/engine.ts";
import { type Reader, sections } from "../wasm/reader.ts";
import { Bug, type Failure } from "./door.ts";
import { exceeded, type Gauge } from "./gauge.ts";

/** Of one component, whatever it nests. */
const MAX_INSTANCES = 256;
const MAX_MEMORIES = 4;
const MAX_TABLES = 64;

const TABLES = 4;
const MEMORIES = 5;

/** What one instance of a core module has of its own from the start. */
interface Start {
  readonly memories: number;
  readonly tables: number;
  readonly pages: number;
  readonly entries: number;
}

/** An instance wants more from the start than it may ever have. */
export class OverLimit extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.detail);
    this.failure = failure;
  }
}

/** A core module that the builder metered. */
export interface Compiled {
  readonly module: CoreModule;
  readonly start: Start;
}

export function compileModule(bytes: Uint8Array): Compiled {
  return { module: new engine.Module(Uint8Array.from(bytes)), start: startOf(bytes) };
}

/** The core modules of one component by name: instantiated as often as asked. */
export class CoreModules {
  readonly #compiled: ReadonlyMap<string, Compiled>;
  readonly #starts: ReadonlyMap<CoreModule, Start>;

  constructor(compiled: ReadonlyMap<string, Compiled>) {
    this.#compiled = compiled;
    this.#starts = new Map([...compiled.values()].map(({ module, start }) => [module, start]));
  }

  get(name: string): CoreModule {
    const found = this.#compiled.get(name);
    if (!found) throw new Bug(`the generated code wants a module \`${name}\` that it did not come with`);
    return found.module;
  }

  /** What the generated code calls for each core instance of one instance of the component. Throws `OverLimit`. */
  instantiator(gauge: Gauge): (module: CoreModule, imports: object) => CoreInstance {
    const used = { instances: 0, memories: 0, tables: 0 };
    return (module, imports) => {
      const start = this.#starts.get(module);
      if (!start) throw new Bug("the generated code instantiates a module that it did not come with");
      used.instances += 1;
      used.memories += start.memories;
      used.tables += start.tables;
      within("instances", used.instances, MAX_INSTANCES);
      within("memories", used.memories, MAX_MEMORIES);
      within("tables", used.tables, MAX_TABLES);
      const failure = gauge.take(start);
      if (failure) throw new OverLimit(failure);
      return new engine.Instance(module, { ...imports, ...gauge.imports });
    };
  }
}

function startOf(bytes: Uint8Array): Start {
  let memories = 0;
  let tables = 0;
  let pages = 0;
  let entries = 0;
  sections(bytes, (id, content) => {
    if (id === MEMORIES) {
      memories = content.each(() => {
        pages += least(content);
      });
    } else if (id === TABLES) {
      tables = content.each(() => {
        content.byte();
        entries += least(content);
      });
    }
  });
  return { memories, tables, pages, entries };
}

/** The minimum of limits. */
function least(reader: Reader): number {
  const bounded = reader.byte() === 1;
  const minimum = reader.u32();
  if (bounded) reader.u32();
  return minimum;
}

function within(name: string, used: number, allowed: number): void {
  if (used > allowed) throw new OverLimit(exceeded(name, allowed, used));
}
