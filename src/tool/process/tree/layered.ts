/**
 * What a merged tree needs of an overlay, whatever its implementation. Paths are relative to the workspace and have the one
 * spelling that its tools accept.
 */
export interface LayeredFiles {
  /** The most that the layer may hold: bytes as file sizes say, and files, directories and links. */
  readonly quota: { readonly bytes: number; readonly files: number };
  /** Absolute host paths of the workspace and of what the run wrote on top of it. */
  readonly layers: { readonly base: string; readonly upper: string };
  /** Sorted paths of which `base` shows nothing; `upper` may hold something there all the same. */
  hidden(): readonly string[];
  /**
   * Takes over what a process left, all of it or, when it rejects, nothing: `ToolError("quota")`. `since`: the time of the file
   * system at which the process started, in ns.
   */
  absorb(incoming: readonly Incoming[], since: bigint): Promise<void>;
}

/** A change that a process made; parents come before what is in them. */
export type Incoming =
  | { readonly kind: "nothing"; readonly path: string }
  /** `opaque`: what was below it before is no longer there. */
  | { readonly kind: "directory"; readonly path: string; readonly opaque: boolean }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  /** `source`: an absolute host path that may be moved away; nobody writes to it any more. */
  | { readonly kind: "file"; readonly path: string; readonly source: string; readonly executable: boolean };

/** What came of a process, for `absorb` and for a person. */
export interface Harvest {
  readonly incoming: readonly Incoming[];
  readonly notes: readonly string[];
}
