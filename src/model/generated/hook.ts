// Generated from schemas/hook.v1.json by scripts/generate-types.ts. Do not edit.

/**
 * A name: lower-case letters, digits and single hyphens.
 */
export type Name = string;
/**
 * An exact semantic version, in quotes.
 */
export type Version = string;
/**
 * The sha256 of the file's bytes.
 */
export type Digest = import("../canonical.ts").Digest;
/**
 * The name of a tool.
 */
export type Tool = string;
/**
 * A relative path, `/` between its parts, without `..`.
 */
export type Path = string;

/**
 * What a hook is and what it asks for. Whether it is trusted is never said here: that is decided by who signed it.
 */
export interface HookManifest {
  /**
   * The version of this format.
   */
  apiVersion: "pinion.dev/v1";
  /**
   * What this file is.
   */
  kind: "Hook";
  /**
   * What the hook is called. The name and the version must be those of the pin that refers to it.
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
   * What the hook is.
   */
  spec: {
    /**
     * The WIT world that the component implements. `trusted-hook` makes leases, and is loaded with a trusted signature only.
     */
    world: "pinion:hook/hook@1.0.0" | "pinion:hook/trusted-hook@1.0.0";
    /**
     * The WebAssembly component.
     */
    component: {
      /**
       * Its file, beside the manifest.
       */
      file: string;
      digest: Digest;
    };
    /**
     * `transformer` may replace the payload or block, `gate` allows or blocks, `observer` watches `audit`.
     */
    role: "transformer" | "gate" | "observer";
    /**
     * The boundaries at which it may be used.
     *
     * Items: One phase.
     */
    phases: (
      "pre-plan" | "pre-send" | "post-receive" | "pre-tool" | "post-tool" | "state-transition" | "spawn" | "audit"
    )[];
    /**
     * JSON Schema 2020-12 of its configuration, written out without references; its patterns are RE2. Left out: it takes no configuration.
     */
    config: import("../json.ts").JsonObject;
    /**
     * How long an instance lives: `run`, so that what it keeps is there at its next call, or `call`, so that every call starts from nothing.
     */
    instance: "run" | "call";
    /**
     * What it may use at most. A blueprint can only narrow them.
     */
    limits: {
      /**
       * Milliseconds that one call may take, hostcalls included.
       */
      deadlineMs: number;
      /**
       * Milliseconds that one call may spend waiting for the answers to its hostcalls.
       */
      hostcallMs: number;
      /**
       * Instructions of WebAssembly that one call may execute; loading the hook is a call, and so is each instance that a call starts with.
       */
      fuel: number;
      /**
       * Pages of 64 KiB that all memories of an instance may have together.
       */
      memoryPages: number;
      /**
       * Entries that all tables of an instance may have together.
       */
      tableEntries: number;
      /**
       * Bytes that one answer may have.
       */
      outputBytes: number;
      /**
       * Hostcalls that one call may make.
       */
      hostcalls: number;
      /**
       * Events that one call may emit.
       */
      events: number;
      /**
       * Bytes that the events of one call may have together, kinds and data.
       */
      eventBytes: number;
      /**
       * Files and directories that it may create in one run. Each one counts, also when it has been removed since.
       */
      files: number;
      /**
       * Bytes that it may write to files in one run. Every write counts with its whole length, also one that fails or replaces what was there.
       */
      fileBytes: number;
    };
    /**
     * What it asks for. A blueprint grants a part of it, or nothing.
     */
    authority: {
      /**
       * Tools that it may be allowed to request.
       */
      tools: Tool[];
      /**
       * Folders that it may be allowed to open.
       *
       * Items: One folder.
       */
      files: {
        name: Name;
        path: Path;
        /**
         * What may be done there.
         *
         * Items: What may be done with the files.
         */
        actions: ("read" | "write")[];
      }[];
    };
  };
}
