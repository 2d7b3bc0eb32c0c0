import type { Layer } from "./layer.ts";
import type { Change } from "./overlay.ts";
export async function discard(_layer: Layer, _only?: readonly string[]): Promise<readonly Change[]> {
  throw new Error("discard");
}
