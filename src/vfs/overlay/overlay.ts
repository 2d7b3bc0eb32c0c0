import type { Digest } from "../../model/canonical.ts";
import type { FileAction } from "../../model/hook.ts";
import type { Directory } from "../directory.ts";

/** What a path of the workspace holds. `executable`: whether its owner may execute it; further bits of the mode are not kept. */
export type FileState =
  | { readonly kind: "nothing" }
  | { readonly kind: "file"; readonly digest: Digest; readonly size: number; readonly executable: boolean }
  | { readonly kind: "directory" }
  | { readonly kind: "link"; readonly target: string }
  /** A device, FIFO or socket of the workspace, or a file that changed while it was taken over: nothing is compared with it. */
  | { readonly kind: "other" };

/** What the run did to one path. Paths are relative to the workspace. */
export interface Change {
  readonly path: string;
  /** What the workspace held when the run changed the path first. */
  readonly before: FileState;
  /** What the run left. Never equal to `before`. */
  readonly after: FileState;
  /** What the workspace holds now, where that is neither `before` nor `after`: such a change is not committed. */
  readonly conflict?: FileState;
}

/** A change that a process made outside of the layer, on its way into it. */
export type Incoming =
  | { readonly kind: "nothing"; readonly path: string }
  /** A directory. `opaque`: what the layer and the workspace hold below it is no longer there. */
  | { readonly kind: "directory"; readonly path: string; readonly opaque: boolean }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  /** A file, moved or copied from the absolute host path `source`, which nobody writes to any more. */
  | { readonly kind: "file"; readonly path: string; readonly source: string; readonly executable: boolean };

export interface Quota {
  /** Bytes of all files in the layer, as their sizes say. */
  readonly bytes: number;
  /** Files, directories and links in the layer. */
  readonly files: number;
}

/** What became of a commit. `refused` says why in words for a person. */
export interface Committed {
  readonly applied: readonly Change[];
  readonly refused: readonly { readonly change: Change; readonly reason: string }[];
}

/**
 * The layer of a run over a workspace: reads fall through, everything that changes lands in the layer. All of it is on disk
 * when a method resolves, and a crash at any point leaves each path as it was before or after.
 *
 * INVARIANT: the workspace is written by `commit` only.
 */
export interface Overlay {
  readonly quota: Quota;
  readonly used: Quota;
  /** The merged tree, as a directory handle. Close it. */
  open(actions: readonly FileAction[]): Directory;
  /**
   * Sorted by path by code unit. A directory that is new, gone, or in the place of something else is a change, and so is each
   * thing below it; one in which only something else changed is none. Empty directories therefore are changes as well.
   */
  changes(): readonly Change[];
  /**
   * Bytes of one side of a change, where that side is a file and its bytes are still known: `before` of a large file is not
   * kept. `now` is what the workspace holds. At most `limit` bytes; `undefined` for more, and for what is not known.
   */
  content(change: Change, side: "before" | "after" | "now", limit: number): Uint8Array | undefined;
  /**
   * Takes over what a process left, all of it or, when it rejects, nothing: `ToolError("quota")`. `since` is the time of the
   * file system at which the process started, in ns: what changed in the workspace after it is in conflict. Every path is
   * named once, and comes to a directory that is there or comes in too. What is there already as it comes is left out; nothing
   * below a directory that comes in as `opaque`, or below what is `nothing`, is left unless it is named.
   */
  absorb(incoming: readonly Incoming[], since: bigint): Promise<void>;
  /**
   * Applies changes to the workspace, each file in one step, and takes them out of the layer. `only`: paths, with all below them
   * and the new directories that they are in. Rejects when the layer cannot be written; what was applied by then is found to be
   * so by the next commit.
   */
  commit(options: { readonly only?: readonly string[]; readonly overwrite?: boolean }): Promise<Committed>;
  /**
   * Forgets changes: `only` are paths, with all below them. Returns those that were forgotten, among them the removal of the
   * directories in which something comes back.
   */
  discard(only?: readonly string[]): Promise<readonly Change[]>;
  /**
   * What a process must be shown: the workspace, with `upper` on top and without `hidden` (paths of which the workspace shows
   * nothing, sorted; the layer may hold something there all the same). Absolute host paths.
   */
  readonly layers: { readonly base: string; readonly upper: string };
  hidden(): readonly string[];
  close(): void;
}
