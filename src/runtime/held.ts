import type { Environment } from "./machine.ts";

/** What the layer of a run over its workspace holds and nobody has committed or discarded. */
export interface HeldChanges {
  readonly files: number;
  readonly bytes: number;
}

/** Undefined for a run without such a layer, or with an empty one: every run writes to its workspace itself. */
export async function heldChanges(_run: string, _env: Environment): Promise<HeldChanges | undefined> {
  return undefined;
}
