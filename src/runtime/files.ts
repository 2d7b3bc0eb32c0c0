import type { FileDriver, FileRequest } from "../hostcall/files.ts";
import type { Json } from "../model/json.ts";
import { ToolError } from "../model/tool.ts";
import type { Mask } from "../tool/ports.ts";
import { masked } from "../tool/secrets/masked.ts";
import { NO_SECRETS } from "../tool/secrets/none.ts";
import type { Directory, NodeKind } from "../vfs/directory.ts";

/** Hooks' file hostcalls: each opens the granted directory, does one thing below it, and closes it. */
export function fileDriver(files: { open(): Directory }, mask: Mask = NO_SECRETS.mask): FileDriver {
  return {
    async perform(request) {
      const root = files.open();
      try {
        const granted = request.root === "." || request.root === "" ? root : root.openDirectory(request.root);
        try {
          return await masked(mask, () => perform(granted, request, mask));
        } finally {
          if (granted !== root) granted.close();
        }
      } finally {
        root.close();
      }
    },
  };
}

async function perform(directory: Directory, request: FileRequest, mask: Mask): Promise<Json> {
  const path = request.path === "" ? "." : request.path;
  switch (request.operation) {
    case "look":
      return exists(directory, path);
    case "list":
      return directory.list(path).entries.map(({ name, kind, size }) => entry(name, kind, size));
    case "stat": {
      const { kind, size } = directory.stat(path);
      return entry(path.slice(path.lastIndexOf("/") + 1), kind, size);
    }
    case "read": {
      return readMasked(directory, { path, offset: Number(request.offset), length: Number(request.length) }, mask);
    }
    case "write":
      await directory.write(path, Buffer.from(String(request.data), "base64"));
      return null;
    case "create-directory":
      await directory.createDirectory(path);
      return null;
    case "remove":
      await directory.remove(path);
      return null;
    case "rename":
      // A directory would take along what is denied below it.
      if (directory.stat(path).kind !== "file") throw new ToolError("not-a-file", "only files can be renamed");
      await directory.rename(path, String(request.target));
      return null;
  }
  throw new ToolError("no-such-operation", `there is no file operation \`${String(request.operation)}\``);
}

/** What a range holds, without a secret that it cuts either. A hook asked for so many bytes and gets no more. */
function readMasked(
  directory: Directory,
  { path, offset, length }: { readonly path: string; readonly offset: number; readonly length: number },
  mask: Mask,
): string {
  const around = Math.max(0, offset - mask.reach);
  const before = offset - around;
  const text = directory.read(path, { offset: around, length: before + length + mask.reach });
  const window = { from: Math.min(before, text.length), to: Math.min(before + length, text.length) };
  return mask.bytes(text, window).subarray(0, length).toString("base64");
}

/** Something of whatever kind has this name; a link stands for itself. */
function exists(directory: Directory, path: string): boolean {
  try {
    directory.stat(path);
    return true;
  } catch (error) {
    if (error instanceof ToolError && error.code === "not-found") return false;
    throw error;
  }
}

/** A sparse file may be larger than any number that JSON carries exactly. */
function entry(name: string, kind: NodeKind, size: number): Json {
  const shown = kind === "file" || kind === "directory" ? kind : "other";
  return { name, kind: shown, size: Math.min(size, Number.MAX_SAFE_INTEGER) };
}
