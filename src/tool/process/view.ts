import { ToolError } from "../../model/tool.ts";
import type { Authority, Tree, Workspace } from "../ports.ts";

/** What a confined process sees of the workspace. Paths are relative to it. */
export interface View {
  readonly readable: readonly Tree[];
  readonly writable: readonly string[];
  /** Existing paths that are denied, to be covered. */
  readonly covered: readonly { readonly path: string; readonly directory: boolean }[];
  /** Directories that may be written and hold what is covered: under another name of theirs it would not be denied. */
  readonly held: readonly string[];
  /** What is to be found where it is shown, by `device:inode`. */
  readonly identities: readonly { readonly path: string; readonly identity: string }[];
}

const MAX_COVERED = 1_000;

/**
 * The file rules as far as mounts can express them: whole directories and single files that may be read or written, without
 * what is denied. What a rule with a wildcard inside a name allows is left out; so is what does not exist.
 * Throws `ToolError` when more is denied one by one than can be covered.
 */
export function viewOf(workspace: Workspace, authority: Authority): View {
  const readable = existing(workspace, authority.trees("read"));
  const writable = existing(workspace, authority.trees("write"))
    .filter((tree) => isVisible(tree.path, readable))
    .map(({ path }) => path);
  const covered = [...coveredBelow({ directory: workspace, path: "." }, authority)].filter(({ path }) =>
    isVisible(path, readable),
  );
  const held = holding(covered, writable);
  const shown = [...readable.map(({ path }) => path), ...writable, ...held];
  const whole = covered.map(({ path }) => ({ path, deep: true }));
  const seen = [...new Set(shown)].filter((path) => !isVisible(path, whole));
  return {
    readable,
    writable,
    covered,
    held,
    identities: seen.map((path) => ({ path, identity: workspace.stat(path).identity })),
  };
}

/** Outer ones first. Where a mount begins, nothing can be renamed or removed anyway. */
function holding(covered: View["covered"], writable: readonly string[]): readonly string[] {
  const trees = writable.map((path) => ({ path, deep: true }));
  const above = new Set(covered.flatMap(({ path }) => foldersAbove(path)));
  return [...above].filter((path) => !writable.includes(path) && isVisible(path, trees)).sort();
}

/** The directories that a path is in, below the workspace. */
export function foldersAbove(path: string): readonly string[] {
  const segments = path.split("/");
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join("/"));
}

/** Whether a path is in one of the trees. */
export function isVisible(path: string, trees: readonly Tree[]): boolean {
  return trees.some(
    (tree) => tree.path === path || (tree.deep && (tree.path === "." || path.startsWith(`${tree.path}/`))),
  );
}

/** Outer ones first, so that inner mounts come to lie on them. Links are left out: a mount would follow them. */
function existing(workspace: Workspace, trees: readonly Tree[]): readonly Tree[] {
  const unique = new Map(trees.map((tree) => [tree.path, tree]));
  return [...unique.values()]
    .filter(({ path, deep }) => kindAt(workspace, path) === (deep ? "directory" : "file"))
    .sort((left, right) => (left.path < right.path ? -1 : 1));
}

/** Undefined where there is nothing that could be looked at. */
export function kindAt(workspace: Workspace, path: string): string | undefined {
  try {
    return workspace.stat(path).kind;
  } catch (error) {
    if (error instanceof ToolError) return undefined;
    throw error;
  }
}

function* coveredBelow(
  at: { readonly directory: Workspace; readonly path: string },
  authority: Authority,
  found = { count: 0 },
): Generator<{ readonly path: string; readonly directory: boolean }> {
  if (authority.hides(at.path) === "nothing") return;
  for (const entry of at.directory.list(".").entries) {
    const path = at.path === "." ? entry.name : `${at.path}/${entry.name}`;
    const hides = authority.hides(path);
    // A link shows nothing by itself; what it points to is covered where it is.
    if (hides === "nothing" || entry.kind === "link") continue;
    if (hides === "whole") {
      found.count += 1;
      if (found.count > MAX_COVERED) {
        throw new ToolError(
          "too-many-denied",
          `more than ${MAX_COVERED} paths are denied one by one; deny their folder`,
        );
      }
      yield { path, directory: entry.kind === "directory" };
    } else if (entry.kind === "directory") {
      const directory = openBelow(at.directory, entry.name);
      if (directory === undefined) yield { path, directory: true };
      else yield* coveredIn(directory, path, { authority, found });
    }
  }
}

function* coveredIn(
  directory: Workspace,
  path: string,
  { authority, found }: { readonly authority: Authority; readonly found: { count: number } },
): Generator<{ readonly path: string; readonly directory: boolean }> {
  try {
    yield* coveredBelow({ directory, path }, authority, found);
  } finally {
    directory.close();
  }
}

/** What cannot be looked into is covered as a whole. */
function openBelow(directory: Workspace, name: string): Workspace | undefined {
  try {
    return directory.openDirectory(name);
  } catch (error) {
    if (error instanceof ToolError) return undefined;
    throw error;
  }
}
