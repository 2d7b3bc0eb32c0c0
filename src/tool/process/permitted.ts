import { ToolError } from "../../model/tool.ts";
import type { Authority, Workspace } from "../ports.ts";
import type { Harvest, Incoming } from "./tree/layered.ts";
import { foldersAbove, isVisible, kindAt } from "./view.ts";

const SHOWN = 3;

interface Rules {
  readonly authority: Authority;
  /** The merged tree as it was before the process. */
  readonly workspace: Workspace;
}

/**
 * What of that which a process left the run may change by its file rules; the rest is left out, and named. No mount covers what
 * does not exist yet, and nothing covers anything from a process that is not confined. A directory that may not be written comes
 * in for what is in it, as with `file.write`.
 */
export function permitted({ incoming, notes }: Harvest, rules: Rules): Harvest {
  const kept: Incoming[] = [];
  const pending: Incoming[] = [];
  const refused = new Set<string>();
  const stays: string[] = [];
  for (const item of incoming) {
    if (foldersAbove(item.path).some((above) => refused.has(above))) continue;
    const there = kindAt(rules.workspace, item.path);
    if (isPermitted(item, there, rules)) kept.push(item);
    else if (item.kind !== "directory" || (there !== undefined && there !== "directory")) refused.add(item.path);
    else if (there === undefined) pending.push({ ...item, opaque: false });
    else stays.push(item.path);
  }
  const needed = new Set(kept.flatMap((item) => (item.kind === "nothing" ? [] : foldersAbove(item.path))));
  for (const { path } of pending) if (!needed.has(path)) refused.add(path);
  const topmost = [...refused].filter((path) => !foldersAbove(path).some((above) => refused.has(above)));
  const left = [...stays, ...topmost].sort();
  return {
    incoming: [...pending.filter(({ path }) => needed.has(path)), ...kept],
    notes: left.length === 0 ? notes : [...notes, `what the run may not change is not kept: ${listed(left)}`],
  };
}

function isPermitted(item: Incoming, there: string | undefined, rules: Rules): boolean {
  if (!rules.authority.file("write", item.path).allow) return false;
  const clears = item.kind !== "directory" || item.opaque;
  return !clears || there !== "directory" || isPermittedBelow(item.path, rules);
}

/** Whether everything in a directory may be written, so that it may go as a whole. */
function isPermittedBelow(path: string, rules: Rules): boolean {
  const { authority, workspace } = rules;
  if (authority.hides(path) === "nothing" && isVisible(path, deepTrees(authority))) return true;
  try {
    return workspace.list(path).entries.every(({ name, kind }) => {
      const inner = `${path}/${name}`;
      if (!authority.file("write", inner).allow) return false;
      return kind !== "directory" || isPermittedBelow(inner, rules);
    });
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
}

const deepTrees = (authority: Authority) => authority.trees("write").filter(({ deep }) => deep);

function listed(paths: readonly string[]): string {
  const shown = paths.slice(0, SHOWN).map((path) => JSON.stringify(path));
  return `${shown.join(", ")}${paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : ""}`;
}
