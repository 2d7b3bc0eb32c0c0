import { type Descriptor, descend } from "../walk.ts";
import { type Anchor, type Layer, orAbsent } from "./layer.ts";

export interface OpenAnchor extends Anchor {
  /** Of the layer when it was opened. */
  readonly generation: number;
  close(): void;
}

/** Opens a directory of the merged tree in the layers that show it. Throws when there is none. */
export function openAnchor(layer: Layer, segments: readonly string[]): OpenAnchor {
  const route = { segments, unshown: segments.length };
  const found = layer.find(route);
  const base = found.open ? layer.baseDirectory(route, found) : undefined;
  const upper = found.held && orAbsent((): Descriptor => descend(layer.places.upper.fd, segments));
  return {
    base,
    upper,
    generation: layer.generation,
    close() {
      base?.[Symbol.dispose]();
      upper?.[Symbol.dispose]();
    },
  };
}
