import { ToolError } from "../../model/tool.ts";
import type { Authority, Workspace, WorkspaceEntry } from "../ports.ts";

export interface Visit {
  /** Relative to the workspace. */
  readonly path: string;
  readonly entry: WorkspaceEntry;
  /** The open directory that holds it. */
  readonly directory: Workspace;
}

/** What a walk left out. */
export interface LeftOut {
  /** Not allowed to be read. */
  hidden: number;
  /** Names that no path can spell, and directories that could not be opened. */
  unreadable: number;
}

/**
 * Visits what may be read below a directory: sorted, depth first, links not followed. `depth` 1 is the directory alone.
 * Each directory is open while it is visited; the caller owns `start`.
 */
export function* walk(
  start: { readonly directory: Workspace; readonly path: string },
  options: { readonly depth: number; readonly authority: Authority; readonly leftOut: LeftOut },
): Generator<Visit> {
  const { authority, leftOut } = options;
  const { entries, unnameable } = start.directory.list(".");
  leftOut.unreadable += unnameable;
  for (const entry of entries) {
    const path = start.path === "." ? entry.name : `${start.path}/${entry.name}`;
    if (authority.file("read", path).allow) yield { path, entry, directory: start.directory };
    else leftOut.hidden += 1;
    if (entry.kind !== "directory" || options.depth <= 1 || authority.hides(path) === "whole") continue;
    const directory = openBelow(start.directory, entry.name);
    if (directory === undefined) {
      leftOut.unreadable += 1;
      continue;
    }
    try {
      yield* walk({ directory, path }, { ...options, depth: options.depth - 1 });
    } finally {
      directory.close();
    }
  }
}

/** One file, or a directory with what is below it. */
export interface Place {
  readonly kind: "file" | "directory";
  readonly identity: string;
  visits(options: Parameters<typeof walk>[1]): Iterable<Visit>;
  close(): void;
}

/** Opens what a search starts from. Links are refused, as everywhere. */
export function openPlace(workspace: Workspace, path: string): Place {
  const { kind, identity, size } = workspace.stat(path);
  if (kind === "file") {
    const visits = () => [{ path, entry: { name: path, kind, size }, directory: workspace }];
    return { kind, identity, visits, close: () => undefined };
  }
  const directory = workspace.openDirectory(path);
  return {
    kind: "directory",
    identity: directory.stat(".").identity,
    visits: (options) => walk({ directory, path }, options),
    close: () => directory.close(),
  };
}

/** A directory that went away or is closed to us is left out and counted; the rest of the tree is still worth a visit. */
function openBelow(directory: Workspace, name: string): Workspace | undefined {
  try {
    return directory.openDirectory(name);
  } catch (error) {
    if (error instanceof ToolError) return undefined;
    throw error;
  }
}
