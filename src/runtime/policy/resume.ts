import type { Layer } from "../../capability/layer.ts";
import { missingFrom } from "../../capability/narrowing.ts";
import type { Control } from "../../model/entry.ts";
import type { JsonObject } from "../../model/json.ts";
import type { Environment } from "../machine.ts";
import { machineLayers } from "./layers.ts";

/**
 * What the policies of machine and user say now and did not say when the run was worked on last. A policy that has been loosened or
 * removed meanwhile changes nothing: what held for a run goes on to hold. Throws as `machineLayers` does.
 */
export async function stricterLayers(held: readonly Layer[], env: Environment): Promise<readonly Layer[]> {
  return missingFrom(held, await machineLayers(env));
}

/** How a run hears of them. */
export function narrowing(layers: readonly Layer[]): Control {
  return { kind: "narrow", layers: layers as unknown as readonly JsonObject[], by: "the policy of this machine" };
}
