import { readSync } from "node:fs";
import { digestOf } from "../../model/canonical.ts";
import { ToolError } from "../../model/tool.ts";
import { parsePath } from "../path.ts";
import { descendToParent, openRegular } from "../walk.ts";
import type { Layer } from "./layer.ts";
import type { Change, FileState } from "./overlay.ts";

const NO_FILE = ["not-found", "not-a-directory", "link", "is-a-directory", "special-file"];

/** The bytes of one side of a change: see `Overlay.content`. */
export function contentOf(
  layer: Layer,
  {
    change,
    side,
    limit,
  }: { readonly change: Change; readonly side: "before" | "after" | "now"; readonly limit: number },
): Uint8Array | undefined {
  const { base, upper } = layer.places;
  if (side === "now") return readAt(base.fd, change.path, limit);
  const state = change[side];
  if (state.kind !== "file" || state.size > limit) return undefined;
  if (side === "after") return matching(readAt(upper.fd, change.path, limit), state);
  return matching(readAt(base.fd, change.path, limit), state) ?? layer.kept.read(state.digest, limit);
}

function readAt(root: number, path: string, limit: number): Uint8Array | undefined {
  const opened = fileOrNothing(() => {
    const { parent, name } = descendToParent(root, parsePath(path));
    using _ = parent;
    return openRegular(parent, name, path);
  });
  if (opened === undefined) return undefined;
  using file = opened.file;
  const bytes = Buffer.alloc(Math.min(limit, Number(opened.stats.size)) + 1);
  let filled = 0;
  for (let count = -1; count !== 0 && filled < bytes.length; filled += count) {
    count = readSync(file.fd, bytes, filled, bytes.length - filled, filled);
  }
  return filled > limit ? undefined : bytes.subarray(0, filled);
}

function fileOrNothing<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof ToolError && NO_FILE.includes(error.code)) return undefined;
    throw error;
  }
}

function matching(bytes: Uint8Array | undefined, state: FileState): Uint8Array | undefined {
  return bytes !== undefined && state.kind === "file" && digestOf(bytes) === state.digest ? bytes : undefined;
}
