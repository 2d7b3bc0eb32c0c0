import { canonicalJson, type Digest, digestOf } from "../model/canonical.ts";
import type { Layer } from "./layer.ts";
import { type Authority, effectivePermission } from "./permission.ts";

/** The effective permission of a run, to which layers are added while it goes on. INVARIANT: none is ever taken away. */
export class Narrowing {
  #layers: readonly Layer[];
  #current: Authority;
  /** Always answers for the layers of the moment. */
  readonly authority: Authority;

  /** Throws as `effectivePermission` does. */
  constructor(layers: readonly Layer[]) {
    this.#layers = layers;
    this.#current = effectivePermission(layers);
    const now = (): Authority => this.#current;
    this.authority = {
      tool: (tool) => now().tool(tool),
      file: (action, path) => now().file(action, path),
      process: (argv, really) => now().process(argv, really),
      get processNetwork() {
        return now().processNetwork;
      },
      network: (host) => now().network(host),
      secret: (name) => now().secret(name),
      spawn: (child) => now().spawn(child),
      get spawnLimits() {
        return now().spawnLimits;
      },
      get budgets() {
        return now().budgets;
      },
      trees: (action) => now().trees(action),
      hides: (path) => now().hides(path),
    };
  }

  get layers(): readonly Layer[] {
    return this.#layers;
  }

  /** Adds what is not there yet. Throws `InputError` for a layer that could not mean what it says; nothing is added then. */
  add(layers: readonly Layer[]): void {
    const more = missingFrom(this.#layers, layers);
    if (more.length === 0) return;
    const all = [...this.#layers, ...more];
    this.#current = effectivePermission(all);
    this.#layers = all;
  }
}

/** Those of `layers` that say something that none of `known` says under the same name. */
export function missingFrom(known: readonly Layer[], layers: readonly Layer[]): readonly Layer[] {
  const digests = new Set(known.map(digestOfLayer));
  return layers.filter((layer) => !digests.has(digestOfLayer(layer)));
}

/** sha256 over the canonical form. */
export function digestOfLayer(layer: Layer): Digest {
  return digestOf(canonicalJson(layer));
}
