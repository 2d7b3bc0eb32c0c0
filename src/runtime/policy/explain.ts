import { stat } from "node:fs/promises";
import { resolve as absolute } from "node:path";
import { approvalDemands } from "../../capability/approvals.ts";
import { inOrder } from "../../capability/decision.ts";
import { effectivePermission } from "../../capability/permission.ts";
import type { Demand } from "../../model/approval.ts";
import { EXIT, type ExitCode, InputError } from "../../model/errors.ts";
import type { JsonObject } from "../../model/json.ts";
import type { Permission, ToolBox, ToolRequest, ToolSpec } from "../../model/tool.ts";
import { reallyCalled } from "../../tool/process/really.ts";
import { openHostDirectory } from "../../vfs/host.ts";
import type { Environment } from "../machine.ts";
import { lookingAt, noWorld, type ToolWorld, toolsOf } from "../tools.ts";
import { type NeededLease, type NeededSecret, neededLeases, neededSecrets } from "./conditions.ts";
import { type Asked, type Subject, subjectOf } from "./subject.ts";

export interface Explaining extends Asked {
  readonly tool: string;
  readonly arguments: JsonObject;
  /** What the call names is looked up here; nothing is changed. */
  readonly workspace?: string | undefined;
}

/** What `pinion policy explain --json` prints. */
export interface Explained extends Permission {
  readonly of: string;
  readonly tool: string;
  readonly taxon: string;
  /** What each layer says by itself; the call is allowed where all of them allow it. */
  readonly layers: readonly ({ readonly layer: string } & Permission)[];
  /** What the call names in the workspace; null where none was given. */
  readonly resolution: JsonObject | null;
  /** What the rules of the layers want a person to approve; hooks may want it besides. */
  readonly approvals: readonly Demand[];
  /** What the agent would need leases for. */
  readonly leases: readonly NeededLease[];
  /** What tools are handed at this call. */
  readonly secrets: readonly NeededSecret[];
  readonly exit: ExitCode;
}

/**
 * What the permission says of one call, decided by the code that decides in a run. Throws `InputError` for a tool that there is not
 * and for arguments that do not fit, and as `subjectOf` does.
 */
export async function explainCall(asking: Explaining, env: Environment): Promise<Explained> {
  const { tool, arguments: given, workspace } = asking;
  const subject = await subjectOf(asking, env);
  return inWorld(workspace, env, async (world) => {
    const together = boxOf(subject, subject.layers, world);
    const call = { tool, arguments: given };
    const spec = mustFit(together, call);
    const { taxon } = spec;
    const looked = world !== undefined && taxon !== "network";
    const resolution = looked ? await together.resolve(call, new AbortController().signal) : null;
    const said = (box: ToolBox): Permission => box.permit(call, resolution ?? {});
    const layers = inOrder(subject.layers).map((layer) => ({
      layer: layer.name,
      ...said(boxOf(subject, [layer], world)),
    }));
    const decision = said(together);
    const leases = neededLeases(subject.layers, together.needs(call, resolution ?? {}));
    const secrets = neededSecrets(spec, given, effectivePermission(subject.layers));
    const { readOnly, idempotency } = spec;
    const facts = { id: "", tool, taxon, readOnly, idempotency, arguments: given, origin: "model" };
    const approvals = approvalDemands(subject.layers, facts, reallyCalled(given, resolution ?? {}));
    const exit = decision.allow ? EXIT.ok : EXIT.blocked;
    const found = resolution && withoutConfinement(resolution);
    return { of: subject.name, tool, taxon, ...decision, layers, resolution: found, approvals, leases, secrets, exit };
  });
}

/** What a run would confine a process with is not looked up. */
function withoutConfinement({ backend: _, files: __, network: ___, ...found }: JsonObject): JsonObject {
  return found;
}

function boxOf({ resolved, depth }: Subject, layers: Subject["layers"], world: ToolWorld | undefined): ToolBox {
  return toolsOf(resolved, { authority: effectivePermission(layers), depth, world: world ?? noWorld() });
}

function mustFit(box: ToolBox, call: ToolRequest): ToolSpec {
  const spec = box.get(call.tool);
  if (spec === undefined) {
    throw new InputError({
      code: "no-such-tool",
      message: `there is no tool \`${call.tool}\` in the registry that the blueprint pins`,
      hint: "`pinion policy show` names those that are allowed",
    });
  }
  const wrong = box.invalidArguments(call);
  if (wrong === undefined) return spec;
  throw new InputError({ code: "bad-arguments", message: `the arguments do not fit \`${call.tool}\`: ${wrong}` });
}

async function inWorld<T>(
  workspace: string | undefined,
  env: Environment,
  use: (world: ToolWorld | undefined) => Promise<T>,
): Promise<T> {
  if (workspace === undefined) return use(undefined);
  const folder = absolute(env.cwd, workspace);
  if ((await stat(folder).catch(() => undefined))?.isDirectory() !== true) {
    throw new InputError({ code: "no-workspace", message: `the workspace \`${folder}\` is not a folder` });
  }
  const directory = openHostDirectory(folder, { actions: ["read"] });
  try {
    return await use(lookingAt(directory, () => env.now()));
  } finally {
    directory.close();
  }
}
