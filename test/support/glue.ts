import * as jco from "@bytecodealliance/jco-transpile/component";
import { GLUE, SETTINGS } from "../../src/sandbox/build/glue.ts";
import { type CoreInstance, type CoreModule, engine } from "../../src/sandbox/wasm/engine.ts";

/** What jco makes of a component: the program as generated, and its core modules. */
export interface Generated {
  readonly glue: string;
  readonly modules: ReadonlyMap<string, CoreModule>;
}

export type HostFunctions = Readonly<Record<string, Readonly<Record<string, (...values: never[]) => unknown>>>>;

interface Linked {
  readonly exports: Readonly<Record<string, (...values: unknown[]) => unknown>>;
  /** All core instances, in the order in which they were made. */
  readonly instances: readonly CoreInstance[];
}

/** What jco makes of a component, with the same settings as the builder's: files by name. */
export async function generateFiles(component: Uint8Array): Promise<Map<string, Uint8Array>> {
  await jco.$init;
  const { files } = jco.generate(component, SETTINGS);
  return new Map(files);
}

export async function generate(component: Uint8Array): Promise<Generated> {
  const files = await generateFiles(component);
  const program = files.get(GLUE);
  if (program === undefined) throw new Error("jco generated no program");
  files.delete(GLUE);
  return {
    glue: Buffer.from(program).toString("utf8"),
    modules: new Map([...files].map(([name, bytes]) => [name, new engine.Module(Uint8Array.from(bytes))])),
  };
}

/** Runs a program in this process: for components that a test or benchmark made itself. */
export async function link(glue: string, { modules }: Generated, host: HostFunctions): Promise<Linked> {
  const url = `data:text/javascript;base64,${Buffer.from(glue).toString("base64")}`;
  const program = await import(/* @vite-ignore */ url);
  const instances: CoreInstance[] = [];
  const exports = program.instantiate(
    (name: string) => modules.get(name),
    { "pinion:hook/types": {}, ...host },
    (module: CoreModule, imports: object) => {
      const instance = new engine.Instance(module, imports);
      instances.push(instance);
      return instance;
    },
  );
  return { exports, instances };
}
