/** The composition root: what surfaces may ask for. Only this file and `runtime/` join rooms. */

export { expandPattern } from "./runtime/approval-pattern.ts";
export { type Answered, type Answering, answerApproval, approvalsOf } from "./runtime/approvals.ts";
export type { BlueprintRow, BlueprintView, HookView, Validation } from "./runtime/catalog.ts";
export { listBlueprints, listHooks, showBlueprint, validateBlueprint } from "./runtime/catalog.ts";
export { checkpointPublicKey } from "./runtime/checkpointing.ts";
export type { Watching } from "./runtime/conduct.ts";
export { type LeaseList, type LeaseRow, leasesIn } from "./runtime/lease-list.ts";
export {
  type Asking,
  killRun,
  type Obeyed,
  pauseRun,
  rearmHook,
  revokeHandles,
  revokeLease,
  terminateRun,
} from "./runtime/lifecycle.ts";
export type { RunOptions } from "./runtime/live.ts";
export { recordRun, runBlueprint } from "./runtime/live.ts";
export { followRun, type Log, type LogOptions } from "./runtime/logs.ts";
export type { Environment } from "./runtime/machine.ts";
export { hookHostLayers } from "./runtime/machine.ts";
export { type ProcessLayer, processLayers } from "./runtime/machine-processes.ts";
export { allApprovals, type PendingApproval, topOf } from "./runtime/pending.ts";
export { type Removed, removeRuns, sweepRemoved } from "./runtime/remove.ts";
export { resumeRun } from "./runtime/resume.ts";
export { listRuns, type RunFilter, type RunRow, SEEN_STATES, type SeenState } from "./runtime/runs.ts";
export { type RunStatus, statusOf } from "./runtime/status.ts";
export type { RunSummary } from "./runtime/summary.ts";
export { type Verified, verifyJournal } from "./runtime/verify.ts";
