import { validatorOf } from "../../blueprint/schema.ts";
import { inOrder } from "../../capability/decision.ts";
import type { Layer } from "../../capability/layer.ts";
import { digestOfLayer, type Narrowing } from "../../capability/narrowing.ts";
import type { PermissionPort } from "../../kernel/permission.ts";
import type { RunSpec } from "../../kernel/run.ts";
import type { Entry } from "../../model/entry.ts";
import { IntegrityError } from "../../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../model/json.ts";

/** What the kernel is given of the effective permission. `spec`: what the run is made of under the layers of the moment. */
export function permissionPort(narrowing: Narrowing, spec: () => RunSpec): PermissionPort {
  return {
    facts: () => ({
      layers: inOrder(narrowing.layers).map(shown),
      limits: { ...spec().limits, ...approvalsOf(narrowing) },
      processNetwork: narrowing.authority.processNetwork,
    }),
    narrow(layers) {
      narrowing.add(layers.map(layerFrom));
      return spec();
    },
  };
}

function approvalsOf({ authority }: Narrowing): JsonObject {
  const { approvals } = authority.budgets;
  return approvals === undefined ? {} : { approvals };
}

function shown(layer: Layer): JsonObject {
  const { name, ...grants } = layer;
  return { name, digest: digestOfLayer(layer), grants: JSON.parse(JSON.stringify(grants)) as JsonObject };
}

/**
 * Follows a journal and knows the layers that hold at its end: those that the run declared last, and those that it was narrowed by
 * since. Undefined where it has declared none yet.
 */
export class LayersInForce {
  #layers: readonly Layer[] | undefined;

  get layers(): readonly Layer[] | undefined {
    return this.#layers;
  }

  see({ kind, body }: Entry): void {
    if (kind === "check.permission") this.#layers = declaredLayers(body);
    if (kind !== "input.control" || !isJsonObject(body.ref) || !Array.isArray(body.ref.layers)) return;
    this.#layers = [...(this.#layers ?? []), ...body.ref.layers.map(layerFrom)];
  }
}

/** The layers in the body of a `check.permission`. */
export function declaredLayers({ layers }: JsonObject): readonly Layer[] {
  return (Array.isArray(layers) ? layers : [null]).map((one) => {
    const { name, grants } = isJsonObject(one) ? one : {};
    return layerFrom({ ...(isJsonObject(grants) ? grants : {}), ...(name === undefined ? {} : { name }) });
  });
}

/** A layer as a journal holds it. Throws `IntegrityError` when it is none. */
export function layerFrom(json: Json): Layer {
  if (isJsonObject(json)) {
    const { name, confinement: _, ...spec } = json;
    const metadata = { name: "layer", version: "1.0.0" };
    const bundle = { apiVersion: "pinion.dev/v1", kind: "PolicyBundle", metadata, spec: structuredClone(spec) };
    const findings = validatorOf("policy")(bundle, { sourceOf: () => undefined, base: "" });
    if (typeof name === "string" && findings.length === 0) return json as unknown as Layer;
  }
  throw new IntegrityError({
    code: "bad-content",
    message: "a layer of permission in the journal is not one that this version writes",
  });
}
