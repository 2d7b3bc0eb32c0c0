import type { JsonObject } from "../model/json.ts";
import type { Run, RunSpec } from "./run.ts";

/** The effective permission of a run, as its kernel sees it. */
export interface PermissionPort {
  /** Every layer with its digest, and the bounds that hold: what the journal shows. Pure. */
  facts(): JsonObject;
  /** Adds layers, for good. What the run is made of from then on. */
  narrow(layers: readonly JsonObject[]): RunSpec;
}

/** Says in the journal which authority the run has. */
export function declarePermission(run: Run): void {
  run.journal.check("check.permission", run.ports.permission.facts());
}

/** The run may do less from here on: what it is offered, its limits and every decision follow. */
export function narrowPermission(run: Run, layers: readonly JsonObject[]): void {
  run.spec = run.ports.permission.narrow(layers);
  declarePermission(run);
}
