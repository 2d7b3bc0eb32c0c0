import type { Harness, Runtime } from "./ports.ts";

/** The parts that do the work, loaded when a command needs them. */
export async function runtime(): Promise<Runtime> {
  return (await import(new URL("../runtime.ts", import.meta.url).href)) as Runtime;
}

export async function harness(): Promise<Harness> {
  return (await import(new URL("../../harness/index.ts", import.meta.url).href)) as Harness;
}
