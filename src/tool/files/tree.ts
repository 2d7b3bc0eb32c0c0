import { canonicalJson, digestOf } from "../../model/canonical.ts";
import type { JsonObject } from "../../model/json.ts";
import { ToolError } from "../../model/tool.ts";
import type { Authority, Workspace } from "../ports.ts";
import { breathe } from "../tool.ts";
import { type LeftOut, walk } from "./walk.ts";

/** The largest directory that is moved in one call, with all below it. */
const MAX_ENTRIES = 5_000;
/** More levels than a path can have. */
const DEPTH = 4_096;
const STRIDE = 200;

/**
 * What is below a directory that goes from `path` to `other`: how many entries, and a digest over their paths, kinds and sizes.
 * A directory would take along what is denied below it, so each entry must be allowed at both ends. The answer does not name
 * the entry that is not, since who may not read it may not know that it is there. Throws `ToolError`.
 */
export async function treeFacts(
  { workspace, authority, signal }: { workspace: Workspace; authority: Authority; signal: AbortSignal },
  path: string,
  other: string,
): Promise<JsonObject> {
  const directory = workspace.openDirectory(path);
  const leftOut: LeftOut = { hidden: 0, unreadable: 0 };
  const found: (readonly [path: string, kind: string, size: number])[] = [];
  try {
    for (const { path: at, entry } of walk({ directory, path }, { depth: DEPTH, authority, leftOut })) {
      const below = at.slice(path.length + 1);
      const refused = [authority.file("write", at), ...both(authority, `${other}/${below}`)].find(
        ({ allow }) => !allow,
      );
      if (refused !== undefined) throw denied(path, refused.rule);
      if (entry.kind === "special") throw new ToolError("special-file", `\`${path}\` holds devices, FIFOs or sockets`);
      found.push([below, entry.kind, entry.kind === "directory" ? 0 : entry.size]);
      if (found.length > MAX_ENTRIES) throw tooMany(path);
      if (found.length % STRIDE === 0) await breathe(signal);
    }
  } finally {
    directory.close();
  }
  if (leftOut.hidden > 0) throw denied(path, "what may not be read");
  if (leftOut.unreadable > 0) throw new ToolError("no-access", `\`${path}\` holds what cannot be opened or named`);
  return { entries: found.length, digest: digestOf(canonicalJson(found)) };
}

const both = (authority: Authority, path: string) => [authority.file("read", path), authority.file("write", path)];

function denied(path: string, rule: string): ToolError {
  return new ToolError("denied", `\`${path}\` holds what may not be moved (${rule}); move what may be on its own`);
}

function tooMany(path: string): ToolError {
  return new ToolError("too-large", `\`${path}\` has more than ${MAX_ENTRIES} entries; move parts of it`);
}
