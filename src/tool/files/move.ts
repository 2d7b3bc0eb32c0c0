import type { JsonObject } from "../../model/json.ts";
import { type Permission, ToolError } from "../../model/tool.ts";
import type { Authority, Workspace } from "../ports.ts";
import { defineTool, fields, type Tool } from "../tool.ts";
import { nodeFacts, requirePermission } from "./facts.ts";
import { fileNeed } from "./need.ts";
import { treeFacts } from "./tree.ts";
import { createAbove } from "./write.ts";

interface Arguments {
  readonly from: string;
  readonly to: string;
  readonly createDirectories?: boolean;
}

/** `file.move`: gives a file, link or directory another path of the workspace, where nothing may be yet. */
export function fileMove(workspace: Workspace, authority: Authority): Tool {
  return defineTool<Arguments>({
    name: "file.move",
    taxon: "workspace",
    readOnly: false,
    idempotency: "idempotent",
    inputSchema: fields({ from: { type: "string" }, to: { type: "string" }, createDirectories: { type: "boolean" } }, [
      "createDirectories",
    ]),
    outputSchema: fields({
      from: { type: "string" },
      to: { type: "string" },
      kind: { enum: ["file", "directory", "link"] },
    }),
    permit: ({ from, to }) => both(authority, from, to),
    needs: ({ from, to }, resolution) => {
      const { kind } = (resolution.from ?? {}) as JsonObject;
      // A folder goes with all that is in it; what is not known is taken for one.
      const below = kind === "file" || kind === "link" ? "alone" : "deep";
      return [from, to].flatMap((path) => ACTIONS.map((action) => fileNeed(action, path, below)));
    },
    async prepare({ from, to, createDirectories = false }, { signal, earlier }) {
      for (const path of [from, to]) for (const action of ACTIONS) requirePermission(authority, action, path);
      if (to === from || to.startsWith(`${from}/`)) {
        throw new ToolError("refused", `\`${from}\` cannot be moved to \`${to}\`, which is itself or below it`);
      }
      const ends = { source: nodeFacts(workspace, from), target: nodeFacts(workspace, to) };
      const before = earlier?.from as JsonObject | undefined;
      if (before === undefined) mustBeMovable(ends, { from, to });
      const whole = async (facts: JsonObject | undefined, path: string, other: string) =>
        facts?.kind === "directory"
          ? { ...facts, ...(await treeFacts({ workspace, authority, signal }, path, other)) }
          : facts;
      const source = await whole(ends.source, from, to);
      const target = await whole(ends.target, to, from);
      const result = (moved: JsonObject) => ({ from, to, kind: moved.kind ?? null });
      const moved = source === undefined && target !== undefined && before !== undefined && alike(before, target);
      return {
        resolution: { from: { path: from, ...(source ?? NOTHING) }, to: { path: to, ...(target ?? NOTHING) } },
        ...(moved ? { done: () => result(before) } : {}),
        async act() {
          mustBeMovable(ends, { from, to });
          if (createDirectories) await createAbove(workspace, to);
          await workspace.rename(from, to);
          return result(source ?? NOTHING);
        },
        close: () => undefined,
      };
    },
  });
}

const ACTIONS = ["read", "write"] as const;
const NOTHING = { kind: "nothing" };

/** Reading and writing at both ends: what is moved is read at one and written at the other, and is gone from the first. */
function both(authority: Authority, from: string, to: string): Permission {
  const asked = [from, to].flatMap((path) => ACTIONS.map((action) => authority.file(action, path)));
  const [first] = asked;
  return asked.find(({ allow }) => !allow) ?? first ?? { allow: false, rule: "pinion: paths", reason: "no paths" };
}

function mustBeMovable(
  { source, target }: { readonly source: JsonObject | undefined; readonly target: JsonObject | undefined },
  { from, to }: { readonly from: string; readonly to: string },
): void {
  if (source === undefined) throw new ToolError("not-found", `\`${from}\`: there is no such file or directory`);
  if (target !== undefined) throw new ToolError("exists", `\`${to}\`: it exists already`);
}

/** What was to be moved: by content, since a move changes times and, where a layer below cannot rename, the inode. */
function alike(before: JsonObject, now: JsonObject): boolean {
  const fact = ["digest", "identity"].find((name) => typeof before[name] === "string");
  return fact !== undefined && before.kind === now.kind && before[fact] === now[fact];
}
