import { rename } from "node:fs/promises";
import { expect } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import type { RunOptions } from "../../src/runtime.ts";
import { type Lab, type LabBlueprint, type LabHook, scriptedHook } from "./lab.ts";

const GATED = ["pre-plan", "pre-send", "post-receive", "pre-tool", "post-tool", "state-transition", "spawn"];

/** What is at hand in the statements of a burglar, besides what every scripted hook has. */
const TOOLS = `
  const said = (work) => { try { return { ok: work() ?? null }; } catch (error) { return { error: error.message ?? String(error) }; } };
  const bytes = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const text = (bytes) => String.fromCharCode(...bytes);
  const show = (_, value) => typeof value === "bigint" ? Number(value) : value instanceof Uint8Array ? text(value) : value;
  const everyWay = (root, path) => ({
    read: said(() => files.read(root, path, 0, 100)),
    list: said(() => files.list(root, path)),
    open: said(() => files.openDirectory(root, path)),
    write: said(() => files.write(root, path, bytes("from the hook"))),
    create: said(() => files.createDirectory(root, path)),
  });`;
const LIMITS = { deadlineMs: 60_000, hostcallMs: 60_000, hostcalls: 10_000, outputBytes: 1_048_576 };
export const OUT = { name: "out", path: "out", actions: ["read", "write"] };

export interface Burglary {
  /** Directories that are granted; `out` unless told otherwise. */
  readonly files?: readonly { readonly name: string; readonly path: string; readonly actions: readonly string[] }[];
  readonly limits?: JsonObject;
  readonly instance?: "run" | "call";
  readonly blueprint?: Partial<LabBlueprint>;
  readonly options?: Partial<RunOptions>;
}

/** Two hooks with the same statements, for the seven phases that act and for the audit; both hold the grants. */
function burglars(statements: string, { files = [OUT], limits, instance }: Burglary): Promise<LabHook[]> {
  const code = `${TOOLS}
    const found = (() => { ${statements} })();
    return allow(JSON.stringify(found, show));`;
  const common = {
    authority: { tools: [], files } as unknown as JsonObject,
    limits: { ...LIMITS, ...limits },
    ...(instance === undefined ? {} : { instance }),
  };
  return Promise.all([
    scriptedHook(code, { name: "burglar", phases: GATED, ...common }),
    scriptedHook(code, { name: "watcher", role: "observer", phases: ["audit"], ...common }),
  ]);
}

/**
 * A real run through all eight phases, with a hook in each that runs `statements`. Gives what it returned, for each phase in
 * which it was asked, in the order of the boundaries. The run ends as if nothing had happened, and replays without a workspace.
 */
export async function everywhere(
  lab: Lab,
  statements: string,
  burglary: Burglary = {},
): Promise<ReadonlyMap<string, readonly JsonObject[]>> {
  const hooks = await burglars(statements, burglary);
  const authority = hooks[0]?.authority ?? {};
  const file = await lab.blueprint({
    turns: [
      {
        text: "go",
        calls: [
          { id: "a", tool: "file.read", arguments: { path: "a.txt" } },
          { id: "b", tool: "agent.spawn", arguments: { agent: "helper", goal: "help" } },
        ],
      },
      { text: "done" },
    ],
    child: [{ text: "helped" }],
    hooks,
    grants: { burglar: authority, watcher: authority },
    chain: { ...Object.fromEntries(GATED.map((phase) => [phase, ["burglar"]])), audit: ["watcher"] },
    ...burglary.blueprint,
  });
  const summary = await lab.run(file, burglary.options);
  expect(summary).toMatchObject({ state: "completed", reason: "the agent has finished" });
  await replaysWithoutWorkspace(lab);
  return found(lab);
}

/** The same in `pre-plan` only, once. */
export async function once(lab: Lab, statements: string, burglary: Burglary = {}): Promise<JsonObject> {
  const phases = await everywhere(lab, statements, {
    ...burglary,
    blueprint: { turns: [{ text: "done" }], chain: { "pre-plan": ["burglar"] }, ...burglary.blueprint },
  });
  const [first] = phases.get("pre-plan") ?? [];
  if (first === undefined) throw new Error("the hook was not asked");
  return first;
}

export async function replaysWithoutWorkspace(lab: Lab): Promise<void> {
  const aside = `${lab.workspace}.aside`;
  await rename(lab.workspace, aside);
  try {
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  } finally {
    await rename(aside, lab.workspace);
  }
}

function found(lab: Lab): ReadonlyMap<string, readonly JsonObject[]> {
  const phases = new Map<string, JsonObject[]>();
  for (const { kind, body } of lab.entries) {
    if (kind !== "check.boundary") continue;
    const verdicts = [
      ...(body.verdicts as readonly JsonObject[]).map((verdict) => [String(body.phase), verdict] as const),
      ...(body.audit as readonly JsonObject[]).map((verdict) => ["audit", verdict] as const),
    ];
    for (const [phase, verdict] of verdicts) {
      phases.set(phase, [...(phases.get(phase) ?? []), JSON.parse(String(verdict.rationale))]);
    }
  }
  return phases;
}

/** In each of the eight phases the hook was asked, and saw the same. */
export function theSameEverywhere(phases: ReadonlyMap<string, readonly JsonObject[]>): JsonObject {
  expect([...phases.keys()].sort()).toEqual([...GATED, "audit"].sort());
  const [first, ...others] = [...phases.values()].flat();
  if (first === undefined) throw new Error("the hook was not asked");
  for (const other of others) expect(other).toEqual(first);
  return first;
}

/** Reasons of the refusals in the journal, each once. */
export function refusals(lab: Lab): readonly string[] {
  const refused = lab.entries.filter((entry) => entry.kind === "check.refused" || entry.kind === "check.limit");
  return [...new Set(refused.map(({ body }) => String(body.reason ?? body.limit)))].sort();
}
