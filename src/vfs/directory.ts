import type { FileAction } from "../model/hook.ts";

/** What a name stands for. `link` and `special` (device, FIFO, socket) are never followed or opened. */
export type NodeKind = "file" | "directory" | "link" | "special";

export interface NodeStat {
  readonly kind: NodeKind;
  /** Bytes. */
  readonly size: number;
  /** Hard links. */
  readonly links: number;
  /** Changes when the node is replaced or changed: device, inode, size, times of modification and change. */
  readonly stamp: string;
  /** Device and inode. */
  readonly identity: string;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly kind: NodeKind;
  readonly size: number;
}

export interface Listing {
  /** Sorted by UTF-16 code unit. */
  readonly entries: readonly DirectoryEntry[];
  /** How many names there are that no path can spell: not UTF-8, control characters, a trailing dot. */
  readonly unnameable: number;
}

/** An open regular file. Reading stays with the file that was opened, whatever happens to its name. */
export interface OpenFile {
  readonly stat: NodeStat;
  /** At most `length` bytes from `offset`; fewer only at the end of the file. */
  read(range: { readonly offset: number; readonly length: number }): Uint8Array;
  close(): void;
}

/** Bounds of one directory handle. */
export interface DirectoryLimits {
  /** The largest read and the largest write, in bytes. */
  readonly bytes: number;
  /** The largest directory that is listed. */
  readonly entries: number;
}

/**
 * A handle to a directory and what is below it. Paths are those of `parsePath`; nothing outside can be reached, through
 * links or otherwise. Every method throws `ToolError` for what went wrong, with paths relative to this directory.
 */
export interface Directory {
  /** What this handle may be used for. */
  readonly actions: ReadonlySet<FileAction>;
  /** Where the directory is on the host now, for mounting it elsewhere; never shown to an agent or a hook. */
  hostPath(): string;
  /** A descriptor of the open directory, valid until `close`. */
  descriptor(): number;
  /** A handle of its own, with the same actions; close both. */
  openDirectory(path: string): Directory;
  openFile(path: string): OpenFile;
  list(path: string): Listing;
  stat(path: string): NodeStat;
  /** What a link says, which leads nowhere here: nothing follows it. Throws for what is no link. */
  link(path: string): string;
  read(path: string, range: { readonly offset: number; readonly length: number }): Uint8Array;
  /**
   * Creates or replaces a file in one step: whoever reads sees the old content or the new. Durable when it resolves.
   * Permission bits of a replaced file are kept. Links, hard-linked files, directories and special files are not replaced.
   */
  write(path: string, data: Uint8Array): Promise<void>;
  createDirectory(path: string): Promise<void>;
  /** Removes a file, a link (not what it points to) or an empty directory. */
  remove(path: string): Promise<void>;
  /** Moves a file or directory below this one; refuses when the target exists. */
  rename(source: string, target: string): Promise<void>;
  /** Every later call fails with `closed`. Idempotent. */
  close(): void;
}
