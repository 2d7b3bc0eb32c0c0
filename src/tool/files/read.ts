import type { Authority, Workspace } from "../ports.ts";
import { defineTool, fields, type Tool } from "../tool.ts";
import { cutAtEnd, type Encoding, encode } from "./encoding.ts";
import { contentOf, requirePermission } from "./facts.ts";
import { fileNeed } from "./need.ts";

const MAX_LENGTH = 1024 * 1024;
const LENGTH = 65_536;

interface Arguments {
  readonly path: string;
  readonly offset?: number;
  readonly length?: number;
  readonly encoding?: Encoding;
}

/** `file.read`: a range of one file, as text or base64. */
export function fileRead(workspace: Workspace, authority: Authority): Tool {
  return defineTool<Arguments>({
    name: "file.read",
    taxon: "workspace",
    readOnly: true,
    idempotency: "idempotent",
    inputSchema: fields(
      {
        path: { type: "string" },
        offset: { type: "integer", minimum: 0 },
        length: { type: "integer", minimum: 1, maximum: MAX_LENGTH },
        encoding: { enum: ["utf8", "base64"] },
      },
      ["offset", "length", "encoding"],
    ),
    outputSchema: fields({
      path: { type: "string" },
      size: { type: "integer" },
      offset: { type: "integer" },
      next: { type: ["integer", "null"] },
      encoding: { enum: ["utf8", "base64"] },
      content: { type: "string" },
    }),
    permit: ({ path }) => authority.file("read", path),
    needs: ({ path }) => [fileNeed("read", path)],
    prepare({ path, offset = 0, length = LENGTH, encoding = "utf8" }) {
      requirePermission(authority, "read", path);
      const file = workspace.openFile(path);
      const { facts, whole } = contentOf(file);
      return {
        resolution: { path, ...facts },
        act() {
          const data = whole?.subarray(offset, offset + length) ?? file.read({ offset, length });
          const atEnd = offset + data.length >= file.stat.size;
          const kept = data.subarray(0, data.length - (encoding === "utf8" && !atEnd ? cutAtEnd(data) : 0));
          const content = encode(kept, encoding, path);
          return Promise.resolve({
            path,
            size: file.stat.size,
            offset,
            next: atEnd ? null : offset + kept.length,
            encoding,
            content,
          });
        },
        close: () => file.close(),
      };
    },
  });
}
