import type { Authority, Workspace } from "../ports.ts";
import { breathe, defineTool, fields, type Tool } from "../tool.ts";
import { requirePermission } from "./facts.ts";
import { fileNeed } from "./need.ts";
import { type LeftOut, walk } from "./walk.ts";

const LIMIT = 500;
const MAX_LIMIT = 5_000;
const MAX_DEPTH = 16;
/** Entries between two looks at whether the call was cancelled. */
const STRIDE = 200;

interface Arguments {
  readonly path?: string;
  readonly depth?: number;
  readonly limit?: number;
}

/** `file.list`: what is in a directory, sorted; entries that may not be read are counted, not named. */
export function fileList(workspace: Workspace, authority: Authority): Tool {
  return defineTool<Arguments>({
    name: "file.list",
    taxon: "workspace",
    readOnly: true,
    idempotency: "idempotent",
    inputSchema: fields(
      {
        path: { type: "string" },
        depth: { type: "integer", minimum: 1, maximum: MAX_DEPTH },
        limit: { type: "integer", minimum: 1, maximum: MAX_LIMIT },
      },
      ["path", "depth", "limit"],
    ),
    outputSchema: fields({
      path: { type: "string" },
      entries: {
        type: "array",
        items: fields({
          path: { type: "string" },
          kind: { enum: ["file", "directory", "link", "special"] },
          size: { type: "integer" },
        }),
      },
      truncated: { type: "boolean" },
      hidden: { type: "integer" },
      unreadable: { type: "integer" },
    }),
    permit: ({ path = "." }) => authority.file("read", path),
    needs: ({ path = "." }) => [fileNeed("read", path, "deep")],
    prepare({ path = ".", depth = 1, limit = LIMIT }, { signal }) {
      requirePermission(authority, "read", path);
      const directory = workspace.openDirectory(path);
      return {
        resolution: { path, kind: "directory", identity: directory.stat(".").identity },
        async act() {
          const leftOut: LeftOut = { hidden: 0, unreadable: 0 };
          const entries: { path: string; kind: string; size: number }[] = [];
          let truncated = false;
          for (const visit of walk({ directory, path }, { depth, authority, leftOut })) {
            truncated = entries.length === limit;
            if (truncated) break;
            entries.push({ path: visit.path, kind: visit.entry.kind, size: visit.entry.size });
            if (entries.length % STRIDE === 0) await breathe(signal);
          }
          return { path, entries, truncated, ...leftOut };
        },
        close: () => directory.close(),
      };
    },
  });
}
