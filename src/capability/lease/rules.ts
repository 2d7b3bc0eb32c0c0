import type { Resource } from "../../model/lease.ts";
import type { Layer } from "../layer.ts";
import { ACTIONS, beyond, type Capability, NUMBERS, withConstraints } from "./capability.ts";
import { parseCapability } from "./uri.ts";

/** What the layers of a run say of leases, read once. */
export interface Rules {
  /** What the agent may use under a lease only: what any layer says. */
  readonly required: ReadonlySet<Resource>;
  /** The part of that which layers of the runs above say: for it the agent has what was delegated to it, and nothing else. */
  readonly above: ReadonlySet<Resource>;
  /** What the agent holds from the start, and by whose leave. */
  readonly grants: readonly { readonly issuer: string; readonly capability: Capability }[];
  /** By layer: what hooks may be given when they ask for it, and what trusted hooks may mint. */
  readonly request: readonly (readonly Capability[])[];
  readonly mint: readonly (readonly Capability[])[];
}

/** What a layer says that leaves it to the others how far leases may reach. */
export const ANY_LEASE: readonly string[] = Object.entries(ACTIONS).map(([resource, actions]) => {
  const everything = { fs: "workspace/**", http: "**", process: "**", tool: "*", agent: "*", secret: "*" };
  return `capability://${resource}/${everything[resource as Resource]}?action=${actions.join(",")}`;
});

/** The layers of a run by where they come from. */
export interface LeaseLayers {
  /** Its own; what they grant is minted when it starts. */
  readonly own: readonly Layer[];
  /** Those of the runs above, whose grants are not minted a second time. */
  readonly inherited: readonly Layer[];
  /** All that are in force, with those by which it was narrowed meanwhile. */
  readonly all: readonly Layer[];
}

/** Throws `InputError` (`bad-capability`) for what is no capability, with the place where it stands. */
export function leaseRules({ own, inherited, all }: LeaseLayers): Rules {
  const readAll = ({ name, leases }: Layer, field: "grant" | "request" | "mint"): readonly Capability[] =>
    leases[field].map((text, index) => parseCapability(text, `${name}: leases.${field}[${index}]`));
  const requiredBy = (layers: readonly Layer[]) => new Set(layers.flatMap(({ leases }) => leases.require));
  return {
    required: requiredBy(all),
    above: requiredBy(inherited),
    grants: own.flatMap((layer) => readAll(layer, "grant").map((capability) => ({ issuer: layer.name, capability }))),
    request: all.map((layer) => readAll(layer, "request")),
    mint: all.map((layer) => readAll(layer, "mint")),
  };
}

/**
 * A wanted capability as every layer's list allows it: what it leaves out it has from those that hold it, the least of each, and of
 * each list the first that holds it counts. With the one of the first list, which says in its author's words what it is within.
 * Undefined when some list holds it not: what nobody lists is not given.
 */
export function within(
  wanted: Capability,
  lists: readonly (readonly Capability[])[],
): { readonly capability: Capability; readonly bound: Capability } | undefined {
  const bounds = lists.map((list) => list.find((most) => beyond(withConstraints(wanted, most), most) === undefined));
  const holding = bounds.filter((most) => most !== undefined);
  const [bound] = holding;
  if (bound === undefined || holding.length < lists.length) return undefined;
  const capability = holding.reduce(
    (narrow, most) => ({ ...withConstraints(narrow, most), ...least(narrow, most) }),
    wanted,
  );
  // Of rates and lists that do not contain one another there is no least.
  return holding.every((most) => beyond(capability, most) === undefined) ? { capability, bound } : undefined;
}

function least(narrow: Capability, most: Capability): Partial<Capability> {
  const numbers = NUMBERS.flatMap((name) => {
    const known = [narrow[name], most[name]].filter((value) => value !== undefined);
    return known.length === 0 ? [] : [[name, Math.min(...known)] as const];
  });
  return Object.fromEntries(numbers);
}
