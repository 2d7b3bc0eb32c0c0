import { BugError } from "../model/errors.ts";
import type { AgentBlueprint } from "../model/generated/blueprint.ts";
import type { Layer } from "./layer.ts";

type Execution = AgentBlueprint["spec"]["execution"];
type Limits = Execution["process"]["limits"];

/** How a blueprint confines processes: the backends that may serve, in order of preference, and the limits of one command. */
export interface Confinement {
  readonly backend: readonly Execution["backend"][number][];
  readonly limits: Readonly<Limits>;
}

/**
 * The confinement that all layers agree on: the backends that each of them lists, in the order of the first one, and of every
 * limit the smallest. Without a backend when they have none in common. Throws `BugError` when no layer has a confinement.
 */
export function effectiveConfinement(layers: readonly Layer[]): Confinement {
  const [own, ...above] = layers.flatMap(({ confinement }) => (confinement === undefined ? [] : [confinement]));
  if (own === undefined) throw new BugError({ code: "no-layers", message: "processes need a confinement" });
  return above.reduce<Confinement>(
    (narrow, { backend, limits }) => ({
      backend: narrow.backend.filter((name) => backend.includes(name)),
      limits: smallest(narrow.limits, limits),
    }),
    own,
  );
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
