import type { Authority, Mask, Workspace } from "../ports.ts";
import { NO_SECRETS } from "../secrets/none.ts";
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
export function fileRead(workspace: Workspace, authority: Authority, mask: Mask = NO_SECRETS.mask): Tool {
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
          // A secret that the range cuts is found by what is around it.
          const around = Math.max(0, offset - mask.reach);
          const wanted = { offset: around, length: offset - around + length + mask.reach };
          const text = whole?.subarray(around, around + wanted.length) ?? file.read(wanted);
          const data = text.subarray(offset - around, offset - around + length);
          const atEnd = offset + data.length >= file.stat.size;
          const kept = data.subarray(0, data.length - (encoding === "utf8" && !atEnd ? cutAtEnd(data) : 0));
          const window = { from: offset - around, to: offset - around + kept.length };
          const content = encode(kept.length === 0 ? kept : mask.bytes(text, window), encoding, path);
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
