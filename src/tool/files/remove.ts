import type { JsonObject } from "../../model/json.ts";
import { ToolError } from "../../model/tool.ts";
import type { Authority, Workspace } from "../ports.ts";
import { defineTool, fields, type Tool } from "../tool.ts";
import { nodeFacts, requirePermission } from "./facts.ts";
import { fileNeed } from "./need.ts";

interface Arguments {
  readonly path: string;
}

/** `file.remove`: one file, link (never what it points to) or empty directory. */
export function fileRemove(workspace: Workspace, authority: Authority): Tool {
  return defineTool<Arguments>({
    name: "file.remove",
    taxon: "workspace",
    readOnly: false,
    idempotency: "idempotent",
    inputSchema: fields({ path: { type: "string" } }),
    outputSchema: fields({ path: { type: "string" }, kind: { enum: ["file", "directory", "link"] } }),
    permit: ({ path }) => authority.file("write", path),
    needs: ({ path }) => [fileNeed("write", path)],
    prepare({ path }, { earlier }) {
      requirePermission(authority, "write", path);
      const facts = nodeFacts(workspace, path);
      const result = (target: JsonObject) => ({ path, kind: target.kind ?? null });
      if (facts === undefined) return gone(path, earlier, result);
      if (facts.kind === "directory") mustBeEmpty(workspace, path);
      return {
        resolution: { path, target: facts },
        async act() {
          await workspace.remove(path);
          return result(facts);
        },
        close: () => undefined,
      };
    },
  });
}

/** Nothing is there: not found, unless the call that is repeated found something, and so has removed it. */
function gone(path: string, earlier: JsonObject | undefined, result: (target: JsonObject) => JsonObject) {
  const target = earlier?.target as JsonObject | undefined;
  const missing = new ToolError("not-found", `\`${path}\`: there is no such file or directory`);
  if (target === undefined) throw missing;
  return {
    resolution: { path, target: { kind: "nothing" } },
    done: () => result(target),
    act: () => Promise.reject(missing),
    close: () => undefined,
  };
}

/** What may not be read counts as well: a directory that holds it is never removed with it. */
function mustBeEmpty(workspace: Workspace, path: string): void {
  const { entries, unnameable } = workspace.list(path);
  const count = entries.length + unnameable;
  if (count > 0) throw new ToolError("not-empty", `\`${path}\`: the directory is not empty; it has ${count} entries`);
}
