/** The composition root: what surfaces may ask for. Only this file and `runtime/` join rooms. */

export type { BlueprintRow, BlueprintView, HookView, Validation } from "./runtime/catalog.ts";
export { listBlueprints, listHooks, showBlueprint, validateBlueprint } from "./runtime/catalog.ts";
export type { Watching } from "./runtime/conduct.ts";
export type { RunOptions } from "./runtime/live.ts";
export { runBlueprint } from "./runtime/live.ts";
export type { Environment } from "./runtime/machine.ts";
export { hookHostLayers } from "./runtime/machine.ts";
export { rearmHook, resumeRun } from "./runtime/resume.ts";
export { listRuns, type RunRow } from "./runtime/runs.ts";
export type { RunSummary } from "./runtime/summary.ts";
