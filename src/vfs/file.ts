import { readSync } from "node:fs";
import { ToolError } from "../model/tool.ts";
import type { NodeStat, OpenFile } from "./directory.ts";
import { failure, guarded } from "./failure.ts";
import type { Descriptor } from "./walk.ts";

/** Takes over `file`; `bytes` bounds one read. */
export function openHostFile(
  file: Descriptor,
  stat: NodeStat,
  { path, bytes }: { readonly path: string; readonly bytes: number },
): OpenFile {
  let open = true;
  return {
    stat,
    read({ offset, length }) {
      if (!open) throw new ToolError("closed", `the handle of \`${path}\` is closed`);
      if (!Number.isSafeInteger(offset) || offset < 0 || !Number.isSafeInteger(length) || length < 0) {
        throw failure("bad-range", path, "offset and length must be whole numbers from 0");
      }
      if (length > bytes)
        throw failure("too-large", path, `${length} bytes are more than the limit of ${bytes} a read`);
      return guarded(path, () => readRange(file.fd, offset, Math.min(length, Math.max(0, stat.size - offset))));
    },
    close() {
      if (open) file[Symbol.dispose]();
      open = false;
    },
  };
}

function readRange(fd: number, offset: number, length: number): Uint8Array {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(fd, buffer, filled, length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return buffer.subarray(0, filled);
}
