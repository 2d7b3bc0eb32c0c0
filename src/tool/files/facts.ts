import { type Digest, digestOf } from "../../model/canonical.ts";
import type { JsonObject } from "../../model/json.ts";
import { ToolError } from "../../model/tool.ts";
import type { Authority, Workspace, WorkspaceFile } from "../ports.ts";

/** Files up to this size are read whole and named by their digest; larger ones by device, inode, size and times. */
export const WHOLE_BYTES = 8 * 1024 * 1024;

/** Refuses a path before it is touched. The kernel asks `permit` as well; this keeps denied files unread while resolving. */
export function requirePermission(authority: Authority, action: "read" | "write", path: string): void {
  const { allow, rule, reason } = authority.file(action, path);
  if (!allow) throw new ToolError("denied", `${reason} (${rule})`);
}

export interface Content {
  readonly facts: JsonObject;
  /** All bytes of a small file: exactly those that were digested. */
  readonly whole?: Uint8Array;
  readonly digest?: Digest;
}

/** What identifies the content of an open file. */
export function contentOf(file: WorkspaceFile): Content {
  const { size, stamp } = file.stat;
  if (size > WHOLE_BYTES) return { facts: { kind: "file", size, stamp } };
  const whole = file.read({ offset: 0, length: size });
  const digest = digestOf(whole);
  return { facts: { kind: "file", size: whole.length, digest }, whole, digest };
}

/** Facts about a path that may have nothing there. */
export function lookAt(workspace: Workspace, path: string): Content {
  const found = statOrNothing(workspace, path);
  if (found === undefined) return { facts: { kind: "nothing" } };
  if (found.kind !== "file") return { facts: { kind: found.kind } };
  const file = workspace.openFile(path);
  try {
    return contentOf(file);
  } finally {
    file.close();
  }
}

/**
 * What names a node that is to be removed or moved: a file as `contentOf` does, a directory or link by what it is on disk.
 * Undefined for nothing. Devices, FIFOs and sockets are refused.
 */
export function nodeFacts(workspace: Workspace, path: string): JsonObject | undefined {
  const found = statOrNothing(workspace, path);
  if (found === undefined) return undefined;
  if (found.kind === "special") {
    throw new ToolError("special-file", `\`${path}\`: it is a device, FIFO or socket, which tools leave alone`);
  }
  return found.kind === "file" ? lookAt(workspace, path).facts : { kind: found.kind, identity: found.identity };
}

function statOrNothing(workspace: Workspace, path: string): ReturnType<Workspace["stat"]> | undefined {
  try {
    return workspace.stat(path);
  } catch (error) {
    if (error instanceof ToolError && error.code === "not-found") return undefined;
    throw error;
  }
}
