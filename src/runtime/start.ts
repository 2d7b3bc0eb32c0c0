import type { ResolvedBlueprint } from "../blueprint/resolve.ts";
import type { Layer } from "../capability/layer.ts";
import { createJournal } from "../journal/open.ts";
import type { JsonObject } from "../model/json.ts";
import { conduct, type Machine, type Watching } from "./conduct.ts";
import type { RunControl } from "./control/run-control.ts";
import { journaling } from "./journaling.ts";
import { leasesOf } from "./leases.ts";
import type { Environment } from "./machine.ts";
import { type Chosen, chooseModel, openModel } from "./model.ts";
import { removeUnbegun } from "./remove.ts";
import { type Header, headerOf, layersOf } from "./spec.ts";
import type { RunSummary } from "./summary.ts";
import { establishTrust, withTrust } from "./trust/trust.ts";
import { TrustWatch } from "./trust/watch.ts";
import { requireApart } from "./workspace.ts";

/** A run that is about to start: a person's, or a child. */
interface Beginning {
  readonly resolved: ResolvedBlueprint;
  readonly goal: string;
  readonly capsules: JsonObject;
  readonly depth: number;
  readonly inherited: readonly Layer[];
  readonly around: readonly Layer[];
  readonly shadows: Header["shadows"];
  readonly delegated: Header["delegated"];
  readonly parent?: Header;
  /** Absolute path of the blueprint file; null for a child. */
  readonly file: string | null;
  readonly control: RunControl;
  readonly chosen: Chosen;
  readonly watching: Watching;
}

/** Starts a run and follows it until it ends or pauses. */
export async function start(machine: Machine, beginning: Beginning): Promise<RunSummary> {
  const { env, workspace } = machine;
  const { mask } = machine.secrets;
  const { goal, capsules, depth, inherited, watching, chosen, parent, control, file } = beginning;
  const { around, shadows, delegated } = beginning;
  if (parent === undefined) requireApart(env, workspace);
  const trust = await establishTrust(beginning.resolved.hooks, env);
  const resolved = withTrust(beginning.resolved, trust.signers);
  const choice = chooseModel(resolved, chosen);
  const model = openModel(resolved, choice, env);
  const layers = layersOf(resolved, { inherited, around });
  leasesOf(resolved, { run: "", inherited, around, delegated }, () => layers);
  const confining = resolved.hooks.length + shadows.length === 0 ? [] : await machine.hosts.layers();
  const hookHost = confining.filter(({ active }) => active).map(({ name }) => name);
  const run = newRun(env);
  const header = headerOf({
    run,
    resolved,
    model: choice,
    chosen,
    depth,
    inherited,
    around,
    trust: trust.signers,
    shadows,
    delegated,
    parent: parent?.run,
    layer: parent?.layer ?? (resolved.execution.filesystem.mode === "overlay" ? run : null),
    hookHost,
  });
  const journal = await createJournal({
    ...(await journaling(run, { control, watching }, env)),
    header: header.line,
  });
  try {
    return await conduct(machine, {
      header,
      resolved,
      layers,
      trust: new TrustWatch(trust, env),
      inForce: layers,
      journal,
      model,
      control,
      signal: watching.signal,
      start: async () => ({
        goal: mask.text(goal),
        workspace,
        file,
        capsules: mask.json(capsules),
        seed: Buffer.from(env.random(32)).toString("hex"),
      }),
    });
  } catch (error) {
    if (journal.count === 0) await removeUnbegun(run, env);
    throw error;
  }
}

/** Sorts by time; the random part tells runs of one second apart. */
function newRun(env: Environment): string {
  const time = new Date(env.now()).toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `${time}-${Buffer.from(env.random(4)).toString("hex")}`;
}
