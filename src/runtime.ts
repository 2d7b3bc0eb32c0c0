/** The composition root: what surfaces may ask for. Only this file and `runtime/` join rooms. */

export type { Watching } from "./runtime/conduct.ts";
export type { RunOptions } from "./runtime/live.ts";
export { runBlueprint } from "./runtime/live.ts";
export type { Environment } from "./runtime/machine.ts";
export { rearmHook, resumeRun } from "./runtime/resume.ts";
export type { RunSummary } from "./runtime/summary.ts";
