import { BugError } from "../model/errors.ts";
import type { AgentBlueprint } from "../model/generated/blueprint.ts";
import type { Backend, Layer } from "./layer.ts";

type Limits = AgentBlueprint["spec"]["execution"]["process"]["limits"];

/** How a blueprint confines processes: the backends that may serve, in order of preference, and the limits of one command. */
export interface Confinement {
  readonly backend: readonly Backend[];
  readonly limits: Readonly<Limits>;
}

/**
 * The confinement that all layers agree on: the backends that each blueprint lists and each policy leaves, in the order of the first
 * blueprint, and of every limit the smallest. Without a backend when they have none in common. Throws `BugError` when no layer has a confinement.
 */
export function effectiveConfinement(layers: readonly Layer[]): Confinement {
  const [own, ...above] = layers.flatMap(({ confinement }) => (confinement === undefined ? [] : [confinement]));
  if (own === undefined) throw new BugError({ code: "no-layers", message: "processes need a confinement" });
  const everywhere = (name: Backend): boolean =>
    above.every(({ backend }) => backend.includes(name)) &&
    layers.every(({ process }) => process.backends?.includes(name) !== false);
  return {
    backend: own.backend.filter(everywhere),
    limits: above.reduce((narrow, { limits }) => smallest(narrow, limits), own.limits),
  };
}

function smallest(left: Limits, right: Limits): Limits {
  return {
    timeoutMs: Math.min(left.timeoutMs, right.timeoutMs),
    cpuMs: Math.min(left.cpuMs, right.cpuMs),
    memoryBytes: Math.min(left.memoryBytes, right.memoryBytes),
    processes: Math.min(left.processes, right.processes),
    fileBytes: Math.min(left.fileBytes, right.fileBytes),
    outputBytes: Math.min(left.outputBytes, right.outputBytes),
  };
}
