import { type Grants, type Layer, NO_GRANTS } from "../../src/capability/layer.ts";

type Parts = { readonly [Field in keyof Grants]?: Partial<Grants[Field]> };

/** A layer that allows what is given and nothing else. */
export function layerOf(name: string, parts: Parts = {}): Layer {
  const fields = Object.keys(NO_GRANTS) as (keyof Grants)[];
  const grants = fields.map((field) => {
    const [nothing, given] = [NO_GRANTS[field], parts[field]];
    return [field, Array.isArray(nothing) ? (given ?? nothing) : { ...nothing, ...given }];
  });
  return { name, ...(Object.fromEntries(grants) as Grants) };
}
