/** The boundaries at which hooks run, in the order of a step. */
export const PHASES = [
  "pre-plan",
  "pre-send",
  "post-receive",
  "pre-tool",
  "post-tool",
  "state-transition",
  "spawn",
  "audit",
] as const;
export type Phase = (typeof PHASES)[number];

/** `transformer` may replace the payload or block; `gate` allows, blocks or asks; `observer` watches `audit`. */
export const ROLES = ["transformer", "gate", "observer"] as const;
export type Role = (typeof ROLES)[number];

export const TIERS = ["trusted", "sandboxed", "proposed"] as const;
export type Tier = (typeof TIERS)[number];

/** The side-effect class of a tool. */
export const TAXA = [
  "pure",
  "workspace",
  "filesystem",
  "network",
  "process",
  "git",
  "browser",
  "input",
  "agent",
] as const;
export type Taxon = (typeof TAXA)[number];

export const RUN_STATES = ["pending", "running", "paused", "completed", "failed", "terminated"] as const;
export type RunState = (typeof RUN_STATES)[number];

export const CAPSULE_KINDS = ["status", "plan", "decision", "manifest", "risk"] as const;
export type CapsuleKind = (typeof CAPSULE_KINDS)[number];
