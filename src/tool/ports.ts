import type { Digest } from "../model/canonical.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { DelegatedLease } from "../model/lease.ts";
import type { Taxon } from "../model/phase.ts";
import type { Permission } from "../model/tool.ts";
import type { HookProposal } from "./hook-propose.ts";
import type { Harvest } from "./process/tree/layered.ts";

/** Effective permission, as the tools ask for it. Every answer is pure. */
export interface Authority {
  tool(tool: { readonly name: string; readonly taxon: Taxon }): Permission;
  file(action: "read" | "write", path: string): Permission;
  /** `really`: command lines that it comes to once names and interpreters are looked up; they count for denials. */
  process(argv: readonly string[], really?: readonly (readonly string[])[]): Permission;
  readonly processNetwork: "none" | "host";
  network(host: string): Permission;
  secret(name: string): Permission;
  spawn(child: { readonly depth: number }): Permission;
  /** The parts of the workspace that may be given to a process as a whole. */
  trees(action: "read" | "write"): readonly Tree[];
  /** Whether a path is denied explicitly; or whether something below it could be. */
  hides(path: string): "whole" | "part" | "nothing";
}
export interface Tree {
  readonly path: string;
  readonly deep: boolean;
}

/** Finds secrets in what comes back from the world. */
export interface Mask {
  /** How many bytes around a part of something must be known to find a secret that reaches into the part. */
  readonly reach: number;
  /** The bytes of the window, the whole unless given, without any part of a secret that reaches into it. */
  bytes(source: Uint8Array, window?: { readonly from?: number; readonly to?: number }): Buffer;
  text(text: string): string;
  /** Throws for what it cannot search. */
  json<T extends Json>(value: T): T;
}

/** The secrets of the run. */
export interface Secrets {
  /** Undefined where there is none of this name, which only an optional one may do. */
  value(name: string): string | undefined;
  readonly mask: Mask;
}

/** The files of the run: one directory and what is below it, without a way out. Methods throw `ToolError`. */
export interface Workspace {
  hostPath(): string;
  descriptor(): number;
  openDirectory(path: string): Workspace;
  openFile(path: string): WorkspaceFile;
  list(path: string): { readonly entries: readonly WorkspaceEntry[]; readonly unnameable: number };
  stat(path: string): WorkspaceStat;
  /** What a link says; nothing follows it. */
  link(path: string): string;
  write(path: string, data: Uint8Array): Promise<void>;
  createDirectory(path: string): Promise<void>;
  /** Removes a file, a link or an empty directory. */
  remove(path: string): Promise<void>;
  /** Moves a file, link or directory; refuses when the target exists. */
  rename(source: string, target: string): Promise<void>;
  close(): void;
}
export interface WorkspaceEntry {
  readonly name: string;
  readonly kind: "file" | "directory" | "link" | "special";
  readonly size: number;
}
export interface WorkspaceStat {
  readonly kind: "file" | "directory" | "link" | "special";
  readonly size: number;
  /** Changes when the file is replaced or changed. */
  readonly stamp: string;
  /** Device and inode. */
  readonly identity: string;
}
export interface WorkspaceFile {
  readonly stat: WorkspaceStat;
  read(range: { readonly offset: number; readonly length: number }): Uint8Array;
  close(): void;
}

/** A pinned skill. `read` returns bytes whose digest was verified, or throws. */
export interface Skill {
  readonly name: string;
  readonly version: string;
  readonly digest: Digest;
  read(): Promise<Uint8Array>;
}

/** A pinned blueprint that `agent.spawn` may start. */
export interface Child {
  readonly name: string;
  readonly version: string;
  /** The digest of the blueprint. */
  readonly blueprint: Digest;
}

/** Starts a child run and waits for its end. Throws `ToolError` for what the agent should be told. */
export interface Spawner {
  spawn(
    request: { readonly child: Child; readonly goal: string; readonly delegated: readonly DelegatedLease[] },
    signal: AbortSignal,
  ): Promise<SpawnResult>;
}
export interface SpawnResult extends JsonObject {
  /** The id of the child run. */
  readonly run: string;
  readonly state: "paused" | "completed" | "failed" | "terminated";
  /** What the child said last. */
  readonly answer: string;
}

/** Keeps what an agent proposes. Throws `ToolError` for what the agent should be told. */
export interface Proposer {
  propose(proposal: HookProposal, signal: AbortSignal): Promise<ProposalReceipt>;
}
export interface ProposalReceipt {
  /** Its id, for people. */
  readonly proposal: string;
  readonly state: "pending" | "approved" | "rejected";
  readonly component: Digest;
}

/**
 * The files of the run as processes find them: the workspace itself, or the merged tree of an overlay. What a process changes
 * in a merged tree is the run's only when `keep` has resolved.
 */
export interface ProcessTree {
  /** How it is shown: `direct` is the workspace itself. Part of what gates see. */
  readonly kind: "direct" | "overlay-mount" | "overlay-copy";
  /** Makes the tree ready for one process. Throws `ToolError` for what stands in the way. */
  open(signal: AbortSignal): Promise<OpenTree>;
}
export interface OpenTree {
  /** Where the process, or what confines it, finds the tree on the host. */
  readonly path: string;
  /** Where the workspace itself is: what shows anything around it must not show it past the file rules. */
  readonly workspace: string;
  /** A descriptor of the tree for the working directory, where the tree is there before the process starts. */
  readonly directory: Workspace | undefined;
  /** The command line that makes the tree where it is to be and then executes the given one. */
  wrap(command: readonly string[]): readonly string[];
  /** Whether bytes and files that the process has written so far are more than the run's quota allows. Looked at while it runs. */
  exceeded(): Promise<boolean>;
  /** After the process and all that it started are gone: takes over what is `permitted` of what they changed. Throws `ToolError("quota")` and keeps nothing then. */
  keep(permitted: (left: Harvest) => Harvest): Promise<{ readonly notes: readonly string[] }>;
  /** Lets go of everything; what was not kept is forgotten. */
  close(): Promise<void>;
}
