import { digestOf } from "../../model/canonical.ts";
import { ToolError } from "../../model/tool.ts";
import type { Authority, Workspace } from "../ports.ts";
import { defineTool, fields, type Tool } from "../tool.ts";
import { decode, type Encoding } from "./encoding.ts";
import { lookAt, requirePermission } from "./facts.ts";
import { fileNeed } from "./need.ts";

interface Arguments {
  readonly path: string;
  readonly content: string;
  readonly encoding?: Encoding;
  readonly createDirectories?: boolean;
}

/** `file.write`: creates or replaces one file in one step. */
export function fileWrite(workspace: Workspace, authority: Authority): Tool {
  return defineTool<Arguments>({
    name: "file.write",
    taxon: "workspace",
    readOnly: false,
    idempotency: "idempotent",
    inputSchema: fields(
      {
        path: { type: "string" },
        content: { type: "string" },
        encoding: { enum: ["utf8", "base64"] },
        createDirectories: { type: "boolean" },
      },
      ["encoding", "createDirectories"],
    ),
    outputSchema: fields({
      path: { type: "string" },
      bytes: { type: "integer" },
      digest: { type: "string" },
      created: { type: "boolean" },
    }),
    permit: ({ path }) => authority.file("write", path),
    needs: ({ path }) => [fileNeed("write", path)],
    prepare({ path, content, encoding = "utf8", createDirectories = false }) {
      requirePermission(authority, "write", path);
      const data = decode(content, encoding);
      const { facts, digest } = lookAt(workspace, path);
      const result = (created: boolean) => ({ path, bytes: data.length, digest: digestOf(data), created });
      return {
        resolution: { path, target: facts },
        ...(digest === digestOf(data) ? { done: () => result(false) } : {}),
        async act() {
          if (createDirectories) await createAbove(workspace, path);
          await workspace.write(path, data);
          return result(facts.kind === "nothing");
        },
        close: () => undefined,
      };
    },
  });
}

/** Makes the missing folders above a path. */
export async function createAbove(workspace: Workspace, path: string): Promise<void> {
  const segments = path.split("/");
  for (let depth = 1; depth < segments.length; depth++) {
    try {
      await workspace.createDirectory(segments.slice(0, depth).join("/"));
    } catch (error) {
      // What exists but is no directory is refused by the write that follows.
      if (!(error instanceof ToolError && error.code === "exists")) throw error;
    }
  }
}
