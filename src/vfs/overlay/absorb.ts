import type { Layer } from "./layer.ts";
import type { Incoming } from "./overlay.ts";
export async function absorb(_layer: Layer, _incoming: readonly Incoming[], _since: bigint): Promise<void> {
  throw new Error("absorb");
}
