import type { Layer } from "./layer.ts";
import type { Committed } from "./overlay.ts";
export async function commit(
  _layer: Layer,
  _options: { readonly only?: readonly string[]; readonly overwrite?: boolean },
): Promise<Committed> {
  throw new Error("commit");
}
