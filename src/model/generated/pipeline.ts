// Generated from schemas/pipeline.v1.json by scripts/generate-types.ts. Do not edit.

/**
 * A name: lower-case letters, digits and single hyphens.
 */
export type Name = string;
/**
 * An exact semantic version, in quotes.
 */
export type Version = string;

/**
 * A chain of hooks that blueprints share.
 */
export interface PipelineTemplate {
  /**
   * The version of this format.
   */
  apiVersion: "pinion.dev/v1";
  /**
   * What this file is.
   */
  kind: "PipelineTemplate";
  /**
   * What the template is called. The name and the version must be those of the pin that refers to it.
   */
  metadata: {
    name: Name;
    version: Version;
    /**
     * What it is for, in one line.
     */
    description?: string;
  };
  /**
   * What the template holds.
   */
  spec: {
    chain: Chain;
  };
}
/**
 * Names of pinned hooks for each phase, in the order in which they are asked.
 */
export interface Chain {
  /**
   * Hooks at the boundary `pre-plan`.
   */
  "pre-plan"?: Name[];
  /**
   * Hooks at the boundary `pre-send`.
   */
  "pre-send"?: Name[];
  /**
   * Hooks at the boundary `post-receive`.
   */
  "post-receive"?: Name[];
  /**
   * Hooks at the boundary `pre-tool`.
   */
  "pre-tool"?: Name[];
  /**
   * Hooks at the boundary `post-tool`.
   */
  "post-tool"?: Name[];
  /**
   * Hooks at the boundary `state-transition`.
   */
  "state-transition"?: Name[];
  /**
   * Hooks at the boundary `spawn`.
   */
  spawn?: Name[];
  /**
   * Hooks at the boundary `audit`.
   */
  audit?: Name[];
}
